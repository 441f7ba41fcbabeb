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

#if defined(__AVX512F__)
constexpr std::size_t rows_at_once = 4;  // 16 sums, 4 squares, 4 rows and a query of 32 registers
#else
constexpr std::size_t rows_at_once = 2;
#endif

/// Writes the sum of each vector's elements.
template <std::size_t count>
inline void store_sums(const Vec (&vectors)[count], float* sums) {
    if constexpr (count == 4) {
        const Vec4 a = fold(vectors[0]), b = fold(vectors[1]), c = fold(vectors[2]), d = fold(vectors[3]);
        const Vec4 ab = __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
        const Vec4 cd = __builtin_shufflevector(c, d, 0, 1, 4, 5) + __builtin_shufflevector(c, d, 2, 3, 6, 7);
        store(sums,
              __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7));
    } else {
#pragma GCC unroll 2
        for (std::size_t i = 0; i < count; ++i) sums[i] = sum(vectors[i]);
    }
}

/// num_rows rows and num_queries queries; a row's squared length too, if asked for.
template <std::size_t num_queries, std::size_t num_rows, bool with_norms>
inline void dot_block(const float* queries, std::size_t query_stride, const float* rows, std::size_t stride,
                      std::size_t dim, float* scores, std::size_t score_stride, float* norms) {
    Vec sums[num_queries][num_rows] = {}, squares[num_rows] = {};
    std::size_t c = 0;
    for (; c + lanes <= dim; c += lanes) {
        Vec row[num_rows];
#pragma GCC unroll 4
        for (std::size_t r = 0; r < num_rows; ++r) {
            row[r] = load<Vec>(rows + r * stride + c);
            if (with_norms) squares[r] = fma(row[r], row[r], squares[r]);
        }
#pragma GCC unroll 4
        for (std::size_t i = 0; i < num_queries; ++i) {
            const Vec query = load<Vec>(queries + i * query_stride + c);
#pragma GCC unroll 4
            for (std::size_t r = 0; r < num_rows; ++r) sums[i][r] = fma(query, row[r], sums[i][r]);
        }
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < num_queries; ++i) store_sums(sums[i], scores + i * score_stride);
    if (with_norms) store_sums(squares, norms);
    for (std::size_t r = 0; r < num_rows; ++r)
        for (std::size_t t = c; t < dim; ++t) {
            const float value = rows[r * stride + t];
            for (std::size_t i = 0; i < num_queries; ++i)
                scores[i * score_stride + r] += queries[i * query_stride + t] * value;
            if (with_norms) norms[r] += value * value;
        }
}

/// One query and one row, in four sums, so that additions need not wait for each other.
inline void dot_pair(const float* query, const float* row, std::size_t dim, float* score, float* norm) {
    Vec dots[4] = {}, squares[4] = {};
    std::size_t c = 0;
    for (; c + 4 * lanes <= dim; c += 4 * lanes)
#pragma GCC unroll 4
        for (std::size_t s = 0; s < 4; ++s) {
            const Vec values = load<Vec>(row + c + s * lanes);
            dots[s] = fma(load<Vec>(query + c + s * lanes), values, dots[s]);
            squares[s] = fma(values, values, squares[s]);
        }
    float dot = sum((dots[0] + dots[1]) + (dots[2] + dots[3]));
    float square = sum((squares[0] + squares[1]) + (squares[2] + squares[3]));
    for (; c < dim; ++c) dot += query[c] * row[c], square += row[c] * row[c];
    *score = dot, *norm = square;
}

template <std::size_t num_queries, bool with_norms>
inline void dot_all_rows(const float* queries, std::size_t query_stride, const float* rows,
                         std::size_t stride, std::size_t count, std::size_t dim, float* scores,
                         std::size_t score_stride, float* norms) {
    std::size_t j = 0;
    for (; j + rows_at_once <= count; j += rows_at_once)
        dot_block<num_queries, rows_at_once, with_norms>(queries, query_stride, rows + j * stride, stride,
                                                         dim, scores + j, score_stride, norms + j);
    for (; j < count; ++j)
        dot_block<num_queries, 1, with_norms>(queries, query_stride, rows + j * stride, stride, dim,
                                              scores + j, score_stride, norms + j);
}

template <std::size_t num_queries>
inline void dot_norms(const float* queries, std::size_t query_stride, const float* rows, std::size_t stride,
                      std::size_t count, std::size_t dim, float* scores, std::size_t score_stride,
                      float* norms) {
    if (norms)
        dot_all_rows<num_queries, true>(queries, query_stride, rows, stride, count, dim, scores, score_stride,
                                        norms);
    else
        dot_all_rows<num_queries, false>(queries, query_stride, rows, stride, count, dim, scores,
                                         score_stride, scores);
}

void dot_rows(const float* queries, std::size_t query_stride, std::size_t num_queries, const float* rows,
              std::size_t stride, std::size_t count, std::size_t dim, float* scores, std::size_t score_stride,
              float* norms) {
    if (num_queries == 1 && count == 1 && norms) return dot_pair(queries, rows, dim, scores, norms);
    switch (num_queries) {
        case 1:
            return dot_norms<1>(queries, query_stride, rows, stride, count, dim, scores, score_stride, norms);
        case 2:
            return dot_norms<2>(queries, query_stride, rows, stride, count, dim, scores, score_stride, norms);
        case 3:
            return dot_norms<3>(queries, query_stride, rows, stride, count, dim, scores, score_stride, norms);
        default:
            return dot_norms<4>(queries, query_stride, rows, stride, count, dim, scores, score_stride, norms);
    }
}

template <std::size_t num_rows>
inline void squares_of(const float* rows, std::size_t stride, std::size_t dim, float* norms) {
    Vec squares[num_rows] = {};
    std::size_t c = 0;
    for (; c + lanes <= dim; c += lanes)
#pragma GCC unroll 4
        for (std::size_t r = 0; r < num_rows; ++r) {
            const Vec row = load<Vec>(rows + r * stride + c);
            squares[r] = fma(row, row, squares[r]);
        }
    for (std::size_t r = 0; r < num_rows; ++r) {
        norms[r] = sum(squares[r]);
        for (std::size_t t = c; t < dim; ++t) norms[r] += rows[r * stride + t] * rows[r * stride + t];
    }
}

void squared_norms(const float* rows, std::size_t stride, std::size_t count, std::size_t dim, float* norms) {
    std::size_t j = 0;
    for (; j + 4 <= count; j += 4) squares_of<4>(rows + j * stride, stride, dim, norms + j);
    for (; j < count; ++j) squares_of<1>(rows + j * stride, stride, dim, norms + j);
}
