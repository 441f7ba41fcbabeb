// Ranks without a sort: how many scores lie above others.

typedef std::int32_t VecInt __attribute__((vector_size(4 * lanes)));

inline VecInt load_ints(const std::int32_t* p) {
    typedef VecInt Unaligned __attribute__((aligned(4), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

inline void store_ints(std::int32_t* p, VecInt v) {
    typedef VecInt Unaligned __attribute__((aligned(4), may_alias));
    *reinterpret_cast<Unaligned*>(p) = v;
}

inline VecInt broadcast_int(std::int32_t x) { return x - VecInt{}; }

#if defined(__AVX512F__)
/// Writes the lanes that are not below the bar, and their indices; returns how many. May write all lanes.
inline std::size_t keep(Vec scores, Vec bar, VecInt indices, float* kept, std::uint32_t* kept_indices) {
    const __mmask16 bits = _mm512_cmp_ps_mask(scores, bar, _CMP_NLT_UQ);
    // Not compressed into memory, which Zen 4 does in microcode.
    _mm512_storeu_ps(kept, _mm512_maskz_compress_ps(bits, scores));
    _mm512_storeu_si512(kept_indices, _mm512_maskz_compress_epi32(bits, reinterpret_cast<__m512i>(indices)));
    return static_cast<std::size_t>(__builtin_popcount(bits));
}
#elif defined(__AVX2__)
/// For each set of lanes, as bits, the lanes in it, ascending.
struct Compaction {
    std::uint8_t lanes_of[256][8];

    constexpr Compaction() : lanes_of{} {
        for (unsigned bits = 0; bits < 256; ++bits)
            for (unsigned lane = 0, n = 0; lane < 8; ++lane)
                if (bits >> lane & 1) lanes_of[bits][n++] = static_cast<std::uint8_t>(lane);
    }
};
constexpr Compaction compaction;

inline std::size_t keep(Vec scores, Vec bar, VecInt indices, float* kept, std::uint32_t* kept_indices) {
    const unsigned bits = not_less(scores, bar);
    const __m256i order =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(compaction.lanes_of[bits])));
    _mm256_storeu_ps(kept, _mm256_permutevar8x32_ps(scores, order));
    const __m256i first = _mm256_set1_epi32(indices[0]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(kept_indices), _mm256_add_epi32(first, order));
    return static_cast<std::size_t>(__builtin_popcount(bits));
}
#else
inline std::size_t keep(Vec scores, Vec bar, VecInt indices, float* kept, std::uint32_t* kept_indices) {
    std::size_t n = 0;
    for (std::size_t l = 0; l < lanes; ++l) {
        kept[n] = scores[l];
        kept_indices[n] = static_cast<std::uint32_t>(indices[l]);
        n += !(scores[l] < bar[l]);
    }
    return n;
}
#endif

std::size_t keep_scores(const float* scores, std::uint32_t first, std::size_t count, float bar, float* kept,
                        std::uint32_t* indices) {
    const Vec bars = broadcast(bar);
    VecInt here;
    for (std::size_t l = 0; l < lanes; ++l) here[l] = static_cast<std::int32_t>(first + l);
    std::size_t n = 0, i = 0;
    for (; i + lanes <= count; i += lanes) {
        n += keep(load<Vec>(scores + i), bars, here, kept + n, indices + n);
        here += static_cast<std::int32_t>(lanes);
    }
    for (; i < count; ++i) {
        kept[n] = scores[i];
        indices[n] = first + static_cast<std::uint32_t>(i);
        n += !(scores[i] < bar);
    }
    return n;
}

bool order_scores(const float* scores, std::size_t count, std::int32_t* ordered) {
    VecInt nan = {};
    for (std::size_t i = 0; i < count; i += lanes) {
        const Vec v = load<Vec>(scores + i);
        nan |= v != v;
        const VecInt bits = reinterpret_cast<VecInt>(v + 0.0f);  // -0 + 0 is 0
        store_ints(ordered + i, bits ^ ((bits >> 31) & 0x7fffffff));
    }
    bool has_nan = false;
    for (std::size_t l = 0; l < lanes; ++l) has_nan |= nan[l] != 0;
    return has_nan;
}

/// For `group` bars that share each load.
template <std::size_t group>
inline void count_group(const std::int32_t* scores, std::size_t count, const std::int32_t* bars,
                        std::uint32_t* counts) {
    VecInt bar[group], above[group] = {};
    for (std::size_t g = 0; g < group; ++g) bar[g] = broadcast_int(bars[g]);
    for (std::size_t i = 0; i < count; i += lanes) {
        const VecInt v = load_ints(scores + i);
        for (std::size_t g = 0; g < group; ++g) above[g] -= v > bar[g];
    }
    for (std::size_t g = 0; g < group; ++g)
        for (std::size_t l = 0; l < lanes; ++l) counts[g] += static_cast<std::uint32_t>(above[g][l]);
}

void count_above(const std::int32_t* scores, std::size_t count, const std::int32_t* bars,
                 std::size_t num_bars, std::uint32_t* counts) {
    std::size_t b = 0;
    for (; b + 8 <= num_bars; b += 8) count_group<8>(scores, count, bars + b, counts + b);
    for (; b + 4 <= num_bars; b += 4) count_group<4>(scores, count, bars + b, counts + b);
    for (; b < num_bars; ++b) count_group<1>(scores, count, bars + b, counts + b);
}
