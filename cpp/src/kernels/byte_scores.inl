// Scores of rows quantised to bytes, as floats: a tile of queries against a panel of rows.

#if !defined(__AVX512VNNI__) && (defined(__AVX512BW__) || defined(__AVX2__))
// Pairs of products are added in 16 bits, which 255 * 63 * 2 does not overflow.
constexpr int score_query_limit = 63;
inline VecI add_scored(VecI sum, VecI rows, VecI query) {
#if defined(__AVX512BW__)
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)rows, (__m512i)query);
    return sum + (VecI)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#else
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)rows, (__m256i)query);
    return sum + (VecI)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#endif
}
struct ScoredRows {
    VecI codes;
    explicit ScoredRows(const std::uint8_t* p) : codes(load_bytes<VecI>(p)) {}
};
struct ScoredQuery {
    VecI codes;
    explicit ScoredQuery(const std::int8_t* p) : codes(load_bytes<std::int32_t>(p) - VecI{}) {}
};
inline VecI add_scored(VecI sum, ScoredRows rows, ScoredQuery query) {
    return add_scored(sum, rows.codes, query.codes);
}
#if defined(__AVX512BW__)
constexpr std::size_t score_strip = 12;
#else
constexpr std::size_t score_strip = 4;
#endif
#else
constexpr int score_query_limit = 127;
typedef ByteRows ScoredRows;
typedef ByteQuery ScoredQuery;
inline VecI add_scored(VecI sum, ScoredRows rows, ScoredQuery query) {
    return add_products(sum, rows, query);
}
#if defined(__AVX512VNNI__)
constexpr std::size_t score_strip = 12;
#else
constexpr std::size_t score_strip = 4;
#endif
#endif

void byte_scores(const ByteTile& queries, const std::uint8_t* rows, std::size_t quads, float scale,
                 const float* offsets, float* scores, std::size_t stride) {
    static_assert(byte_tile_queries % score_strip == 0 && byte_panel_rows % (2 * lanes) == 0);
    for (std::size_t first = 0; first < byte_tile_queries; first += score_strip)
        for (std::size_t v = 0; v < byte_panel_rows; v += 2 * lanes) {
            VecI sums[score_strip][2];
#pragma GCC unroll 12
            for (std::size_t i = 0; i < score_strip; ++i)
                sums[i][0] = sums[i][1] = queries.start[first + i] - VecI{};
            const std::int8_t* query = queries.codes + 4 * first;
            const std::uint8_t* row = rows + 4 * v;
            for (std::size_t c = 0; c < quads; ++c, query += tile_bytes, row += panel_bytes) {
                const ScoredRows left(row), right(row + sizeof(VecI));
#pragma GCC unroll 12
                for (std::size_t i = 0; i < score_strip; ++i) {
                    const ScoredQuery codes(query + 4 * i);
                    sums[i][0] = add_scored(sums[i][0], left, codes);
                    sums[i][1] = add_scored(sums[i][1], right, codes);
                }
            }
#pragma GCC unroll 12
            for (std::size_t i = 0; i < score_strip; ++i) {
                const Vec times = broadcast(queries.scale[first + i] * scale);
                const Vec offset = broadcast(queries.offset[first + i]);
                float* out = scores + (first + i) * stride + v;
                store(out,
                      __builtin_convertvector(sums[i][0], Vec) * times + (offset + load<Vec>(offsets + v)));
                store(out + lanes, __builtin_convertvector(sums[i][1], Vec) * times +
                                       (offset + load<Vec>(offsets + v + lanes)));
            }
        }
}
