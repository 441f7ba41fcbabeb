// Dot products in float, the scan of every search.

#if defined(__AVX512F__)
constexpr std::size_t tile_queries = 12;  // 24 sums + 2 rows + 1 query of 32 registers
#else
constexpr std::size_t tile_queries = 6;  // 12 + 2 + 1 of 16
#endif
constexpr std::size_t tile_rows = 2 * lanes;

void dot_tile(const float* queries, const float* rows, std::size_t dim, float* scores) {
    Vec sums[tile_queries][2] = {};
    for (std::size_t c = 0; c < dim; ++c, queries += tile_queries, rows += tile_rows) {
        const Vec left = load<Vec>(rows), right = load<Vec>(rows + lanes);
#pragma GCC unroll 12
        for (std::size_t i = 0; i < tile_queries; ++i) {
            const Vec query = broadcast(queries[i]);
            sums[i][0] = fma(query, left, sums[i][0]);
            sums[i][1] = fma(query, right, sums[i][1]);
        }
    }
#pragma GCC unroll 12
    for (std::size_t i = 0; i < tile_queries; ++i) {
        store(scores + i * tile_rows, sums[i][0]);
        store(scores + i * tile_rows + lanes, sums[i][1]);
    }
}

/// num_rows rows at once, two sums each: enough independent additions to hide their latency.
template <std::size_t num_rows>
inline void dot_few(const float* query, const float* rows, std::size_t stride, std::size_t dim,
                    float* scores) {
    Vec sums[num_rows][2] = {};
    std::size_t c = 0;
    for (; c + 2 * lanes <= dim; c += 2 * lanes) {
        const Vec q0 = load<Vec>(query + c), q1 = load<Vec>(query + c + lanes);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < num_rows; ++r) {
            sums[r][0] = fma(q0, load<Vec>(rows + r * stride + c), sums[r][0]);
            sums[r][1] = fma(q1, load<Vec>(rows + r * stride + c + lanes), sums[r][1]);
        }
    }
    for (std::size_t r = 0; r < num_rows; ++r) {
        float total = sum(sums[r][0] + sums[r][1]);
        for (std::size_t t = c; t < dim; ++t) total += query[t] * rows[r * stride + t];
        scores[r] = total;
    }
}

void dot_rows(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
              float* scores) {
    std::size_t j = 0;
    for (; j + 4 <= count; j += 4) dot_few<4>(query, rows + j * stride, stride, dim, scores + j);
    for (; j < count; ++j) dot_few<1>(query, rows + j * stride, stride, dim, scores + j);
}

void squared_norms(const float* rows, std::size_t stride, std::size_t count, std::size_t dim, float* norms) {
    for (std::size_t j = 0; j < count; ++j)
        dot_few<1>(rows + j * stride, rows + j * stride, stride, dim, norms + j);
}
