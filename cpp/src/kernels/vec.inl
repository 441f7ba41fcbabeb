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
typedef std::uint32_t VecIndex __attribute__((vector_size(4 * lanes)));

template <class V>
inline V load(const float* p) {
    typedef V Unaligned __attribute__((aligned(4), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

template <class V>
inline void store(float* p, V v) {
    typedef V Unaligned __attribute__((aligned(4), may_alias));
    *reinterpret_cast<Unaligned*>(p) = v;
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

inline Vec4 fold(Vec4 v) { return v; }
inline Vec4 fold(Vec8 v) {
    return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
inline Vec4 fold(Vec16 v) {
    return fold(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
}

template <class V>
inline float sum(V v) {
    const Vec4 four = fold(v);
    return (four[0] + four[2]) + (four[1] + four[3]);
}
