// Vectors of this level. GCC and Clang lower wider ones to what the level has.
#if defined(__AVX512F__)
constexpr std::size_t lanes = 16;
#elif defined(__AVX2__)
constexpr std::size_t lanes = 8;
#else
constexpr std::size_t lanes = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * lanes)));
typedef float Vec16 __attribute__((vector_size(64)));
typedef float Vec8 __attribute__((vector_size(32)));
typedef float Vec4 __attribute__((vector_size(16)));
typedef double Vec8d __attribute__((vector_size(64)));
typedef double VecD __attribute__((vector_size(4 * lanes)));  // half as many lanes
constexpr std::size_t double_lanes = lanes / 2;
typedef std::uint32_t VecIndex __attribute__((vector_size(4 * lanes)));
typedef std::int32_t VecMask __attribute__((vector_size(4 * lanes)));  // 0 or -1, from comparisons

template <class V>
inline V load(const float* p) {
    typedef V Unaligned __attribute__((aligned(4), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

inline VecD load(const double* p) {
    typedef VecD Unaligned __attribute__((aligned(8), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

template <class V>
inline void store(float* p, V v) {
    typedef V Unaligned __attribute__((aligned(4), may_alias));
    *reinterpret_cast<Unaligned*>(p) = v;
}

inline void store(double* p, VecD v) {
    typedef VecD Unaligned __attribute__((aligned(8), may_alias));
    *reinterpret_cast<Unaligned*>(p) = v;
}

/// As many floats as a vector has doubles, as these. By name of the instruction, since GCC 12 takes halves
/// one after the other where it is left to compilers.
inline VecD load_widened(const float* p) {
#if defined(__AVX512F__)
    return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));
#elif defined(__AVX2__)
    return _mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    typedef float Half __attribute__((vector_size(2 * lanes)));
    return __builtin_convertvector(load<Half>(p), VecD);
#endif
}

/// Asks for what stands `count` floats further on, where there may be nothing; `locality` as
/// __builtin_prefetch has it: 3 is the first cache, 2 the second.
template <int locality = 3>
inline void fetch_ahead(const float* p, std::size_t count) {
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(p) + 4 * count), 0,
                       locality);
}

/// visit.operator()<n>(i): vectors i .. i + n - 1 of `count`, n <= at_once.
template <std::size_t at_once, class Visit>
inline void visit_some(std::size_t count, Visit visit) {
    std::size_t i = 0;
    for (; i + at_once <= count; i += at_once) visit.template operator()<at_once>(i);
    if constexpr (at_once > 3)
        if (count - i == 3) return visit.template operator()<3>(i);
    if constexpr (at_once > 2)
        if (count - i == 2) return visit.template operator()<2>(i);
    if constexpr (at_once > 1)
        if (count - i == 1) return visit.template operator()<1>(i);
}

inline VecIndex load_index(const std::uint32_t* p) {
    typedef VecIndex Unaligned __attribute__((aligned(4), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

inline void store_index(std::uint32_t* p, VecIndex v) {
    typedef VecIndex Unaligned __attribute__((aligned(4), may_alias));
    *reinterpret_cast<Unaligned*>(p) = v;
}

inline Vec broadcast(float x) { return x - Vec{}; }

/// a * b + c, rounded once where the level can.
inline Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

/// a > b ? a : b. By name of the instruction, since GCC 12 makes a comparison and a choice of it where `a` is
/// computed as integers.
inline Vec larger(Vec a, Vec b) {
#if defined(__AVX512F__)
    return _mm512_maskz_max_ps(0xffff, a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#else
    return a > b ? a : b;
#endif
}

#if defined(__AVX512F__)
inline Vec8 fma(Vec8 a, Vec8 b, Vec8 c) { return _mm256_fmadd_ps(a, b, c); }
#endif

/// Bit l is set unless a[l] < b[l].
inline unsigned not_less(Vec a, Vec b) {
#if defined(__AVX512F__)
    return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ);
#elif defined(__AVX2__)
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ)));
#elif defined(__SSE2__)
    return static_cast<unsigned>(_mm_movemask_ps(_mm_cmpnlt_ps(a, b)));
#else
    unsigned bits = 0;
    for (std::size_t l = 0; l < lanes; ++l) bits |= static_cast<unsigned>(!(a[l] < b[l])) << l;
    return bits;
#endif
}

/// Whether any lane is set.
inline bool any(VecMask mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
    return _mm256_movemask_ps((__m256)mask) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_ps((__m128)mask) != 0;
#else
    std::int32_t bits = 0;
    for (std::size_t l = 0; l < lanes; ++l) bits |= mask[l];
    return bits != 0;
#endif
}

/// table[index[l]] in lane l, of a table of 8.
inline Vec pick(const float* table, const std::int32_t* index) {
#if defined(__AVX512F__)
    return _mm512_maskz_permutexvar_ps(0xffff, _mm512_loadu_si512(index),
                                       _mm512_castps256_ps512(_mm256_loadu_ps(table)));
#elif defined(__AVX2__)
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table),
                                    _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)));
#else
    Vec picked;
    for (std::size_t l = 0; l < lanes; ++l) picked[l] = table[index[l]];
    return picked;
#endif
}

/// The lanes that lie `d` apart, exchanged.
template <int d>
inline Vec4 exchanged(Vec4 x) {
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d);
}
template <int d>
inline Vec8 exchanged(Vec8 x) {
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d);
}
template <int d>
inline Vec16 exchanged(Vec16 x) {
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d, 8 ^ d, 9 ^ d,
                                   10 ^ d, 11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d);
}

inline float largest_of(Vec v) {
    v = larger(exchanged<2>(v), v);
    v = larger(exchanged<1>(v), v);
    if constexpr (lanes > 4) v = larger(exchanged<4>(v), v);
    if constexpr (lanes > 8) v = larger(exchanged<8>(v), v);
    return v[0];
}

/// The sums of lanes that lie four apart.
template <class V>
inline auto fold(V v) {
    if constexpr (sizeof(V) == 64)
        return fold(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
    else if constexpr (sizeof(V) == 32)
        return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
    else
        return v;
}

template <class V>
inline float sum(V v) {
    const Vec4 four = fold(v);
    return (four[0] + four[2]) + (four[1] + four[3]);
}
inline double sum(Vec8d v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

/// The same sums of 16 floats, and of 8 doubles, that stand in parts; `stride` vectors lie between two.
inline float sum_parts(const Vec* p, [[maybe_unused]] std::size_t stride) {
#if defined(__AVX512F__)
    return sum(p[0]);
#elif defined(__AVX2__)
    return sum(p[0] + p[stride]);
#else
    return sum((p[0] + p[2 * stride]) + (p[stride] + p[3 * stride]));
#endif
}
inline double sum_parts(const VecD* p, [[maybe_unused]] std::size_t stride) {
#if defined(__AVX512F__)
    return sum(p[0]);
#elif defined(__AVX2__)
    const VecD v = p[0] + p[stride];
    return (v[0] + v[2]) + (v[1] + v[3]);
#else
    const VecD v = (p[0] + p[2 * stride]) + (p[stride] + p[3 * stride]);
    return v[0] + v[1];
#endif
}
