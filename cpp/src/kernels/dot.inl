// Dot products in float, the scan of every search.

#if defined(__AVX512F__)
constexpr std::size_t tile_queries = 12;  // 24 sums + 2 rows + 1 query of 32 registers
#else
constexpr std::size_t tile_queries = 6;  // 12 + 2 + 1 of 16
#endif
constexpr std::size_t tile_rows = 2 * lanes;

/// Writes the sums of a tile, or adds them.
inline void put_sums(const Vec (&sums)[tile_queries][2], bool add, float* scores, std::size_t stride) {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < tile_queries; ++i) {
        float* to = scores + i * stride;
        store(to, add ? load<Vec>(to) + sums[i][0] : sums[i][0]);
        store(to + lanes, add ? load<Vec>(to + lanes) + sums[i][1] : sums[i][1]);
    }
}

void dot_tile(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
              std::size_t stride) {
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
    put_sums(sums, add, scores, stride);
}

constexpr std::size_t rows_at_once = 4;
constexpr std::size_t floats_ahead = 256;  // that are fetched before they are needed
constexpr std::size_t short_row = 64, page_floats = 1024, line_floats = 16;

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

/// One query and num_rows rows with their squared lengths.
template <std::size_t num_rows>
inline void dot_together(const float* query, const float* rows, std::size_t stride, std::size_t dim,
                         float* scores, float* norms) {
    Vec sums[num_rows] = {}, squares[num_rows] = {};
    std::size_t c = 0;
    for (; c + lanes <= dim; c += lanes) {
        const Vec values = load<Vec>(query + c);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < num_rows; ++r) {
            const Vec row = load<Vec>(rows + r * stride + c);
            squares[r] = fma(row, row, squares[r]);
            sums[r] = fma(values, row, sums[r]);
        }
    }
    store_sums(sums, scores), store_sums(squares, norms);
    for (std::size_t r = 0; r < num_rows; ++r)
        for (std::size_t t = c; t < dim; ++t) {
            const float value = rows[r * stride + t];
            scores[r] += query[t] * value, norms[r] += value * value;
        }
}

/// The same, a row after the other: far memory likes that better than several at a time, unless they are
/// longer than its pages. Four sums need not wait for each other.
template <std::size_t num_rows>
inline void dot_in_turn(const float* query, const float* rows, std::size_t stride, std::size_t dim,
                        float* scores, float* norms) {
    constexpr std::size_t width = 4 * lanes;
    Vec dots[num_rows], squares[num_rows];
    const std::size_t wide = dim / width * width, whole = dim / lanes * lanes;
    for (std::size_t r = 0; r < num_rows; ++r) {
        const float* row = rows + r * stride;
        Vec dot[4] = {}, square[4] = {};
        const auto add = [&](std::size_t s, std::size_t c) {
            const Vec values = load<Vec>(row + c);
            dot[s] = fma(load<Vec>(query + c), values, dot[s]);
            square[s] = fma(values, values, square[s]);
        };
        for (std::size_t c = 0; c < wide; c += width)
#pragma GCC unroll 4
            for (std::size_t s = 0; s < 4; ++s) {
                if (s * lanes % line_floats == 0) fetch_ahead(row + c + s * lanes, floats_ahead);
                add(s, c + s * lanes);
            }
        for (std::size_t c = wide; c < whole; c += lanes) add(0, c);
        dots[r] = (dot[0] + dot[1]) + (dot[2] + dot[3]);
        squares[r] = (square[0] + square[1]) + (square[2] + square[3]);
    }
    store_sums(dots, scores), store_sums(squares, norms);
    for (std::size_t r = 0; r < num_rows; ++r)
        for (std::size_t c = whole; c < dim; ++c) {
            const float value = rows[r * stride + c];
            scores[r] += query[c] * value, norms[r] += value * value;
        }
}

template <std::size_t num_rows>
inline void dot_some_rows(const float* query, const float* rows, std::size_t stride, std::size_t dim,
                          float* scores, float* norms, bool near) {
    if (num_rows > 1 && (near || dim < short_row || dim >= page_floats))
        dot_together<num_rows>(query, rows, stride, dim, scores, norms);
    else
        dot_in_turn<num_rows>(query, rows, stride, dim, scores, norms);
}

void dot_rows(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
              float* scores, float* norms, bool near) {
    std::size_t j = 0;
    for (; j + rows_at_once <= count; j += rows_at_once)
        dot_some_rows<rows_at_once>(query, rows + j * stride, stride, dim, scores + j, norms + j, near);
    for (; j < count; ++j)
        dot_some_rows<1>(query, rows + j * stride, stride, dim, scores + j, norms + j, near);
}

/// n vectors, in two sums each so that additions need not wait.
template <std::size_t n>
inline void dot_some(const float* a, const float* const* vectors, const float* next, std::size_t dim,
                     float* products) {
    Vec sums[2][n] = {};
    std::size_t c = 0;
    for (; c + 2 * lanes <= dim; c += 2 * lanes)
#pragma GCC unroll 2
        for (std::size_t s = 0; s < 2; ++s) {
            if (s == 0 || lanes == 16) fetch_ahead<2>(next, c + s * lanes);
            const Vec left = load<Vec>(a + c + s * lanes);
#pragma GCC unroll 4
            for (std::size_t i = 0; i < n; ++i)
                sums[s][i] = fma(left, load<Vec>(vectors[i] + c + s * lanes), sums[s][i]);
        }
    for (std::size_t i = 0; i < n; ++i) {
        products[i] = sum(sums[0][i] + sums[1][i]);
        for (std::size_t t = c; t < dim; ++t) products[i] += a[t] * vectors[i][t];
    }
}

void dots(const float* a, const float* const* vectors, std::size_t count, const float* next, std::size_t dim,
          float* products) {
    visit_some<4>(count, [&]<std::size_t n>(std::size_t i) {
        dot_some<n>(a, vectors + i, next ? next : vectors[i], dim, products + i);
    });
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
