// Sums of a panel of queries, side by side in a vector, with rows as they lie: nothing of these is packed.

// Of 16 registers 12 hold sums, of two vectors of queries with six rows: eight loads for twelve products.
constexpr std::size_t strip_vectors = lanes < 16 ? 2 : 1;
constexpr std::size_t strip_queries = strip_vectors * lanes;
constexpr std::size_t strip_rows = lanes < 16 ? 6 : 8;
constexpr std::size_t narrow_rows = 8;        // of one vector, whose sums do not wait for each other
constexpr std::size_t rows_ahead = 16;        // that are asked for
constexpr bool square_by_line = lanes == 16;  // 16 registers are too few for sums with squares

/// Adds the squares of `count` values of each of num_rows rows.
inline void add_squares(const float* rows, std::size_t stride, std::size_t num_rows, std::size_t count,
                        Vec* squares) {
    for (std::size_t r = 0; r < num_rows; ++r, rows += stride) {
        Vec sums[2] = {};
        std::size_t c = 0;
        for (; c + 2 * lanes <= count; c += 2 * lanes)
#pragma GCC unroll 2
            for (std::size_t s = 0; s < 2; ++s) {
                const Vec values = load<Vec>(rows + c + s * lanes);
                sums[s] = fma(values, values, sums[s]);
            }
        for (; c < count; ++c) sums[0][0] += rows[c] * rows[c];
        squares[r] += sums[0] + sums[1];
    }
}

/// Sums of num_rows rows, and those of their squares. Where they are near, those that follow come soon enough
/// unasked.
template <bool with_norms, bool near, std::size_t num_rows, std::size_t vectors, class V>
inline void sum_strip(const float* queries, const float* rows, std::size_t stride, std::size_t dim,
                      V (&totals)[num_rows][vectors], float* norms) {
    Vec squares[num_rows] = {};
    for (std::size_t begin = 0; begin < dim; begin += fused_chunk) {
        const std::size_t end = begin + fused_chunk < dim ? begin + fused_chunk : dim;
        V sums[num_rows][vectors] = {};
        const auto add_column = [&](std::size_t c) __attribute__((always_inline)) {
            V query[vectors];
#pragma GCC unroll 2
            for (std::size_t v = 0; v < vectors; ++v)
                query[v] = load<V>(queries + (c * vectors + v) * (sizeof(V) / sizeof(float)));
#pragma GCC unroll 8
            for (std::size_t r = 0; r < num_rows; ++r) {
                const V value = rows[r * stride + c] - V{};
#pragma GCC unroll 2
                for (std::size_t v = 0; v < vectors; ++v) sums[r][v] = fma(query[v], value, sums[r][v]);
            }
        };
        std::size_t c = begin;
        for (; c + line_floats <= end; c += line_floats) {
#pragma GCC unroll 8
            for (std::size_t r = 0; r < num_rows; ++r) {
                const float* row = rows + r * stride + c;
                if (!near) fetch_ahead<2>(row, rows_ahead * stride);
                if constexpr (with_norms && square_by_line) {
                    const Vec values = load<Vec>(row);
                    squares[r] = fma(values, values, squares[r]);
                }
            }
            for (std::size_t t = 0; t < line_floats; ++t) add_column(c + t);
        }
        for (; c < end; ++c) add_column(c);
#pragma GCC unroll 8
        for (std::size_t r = 0; r < num_rows; ++r)
#pragma GCC unroll 2
            for (std::size_t v = 0; v < vectors; ++v)
                totals[r][v] = begin > 0 ? totals[r][v] + sums[r][v] : sums[r][v];
        if constexpr (with_norms && !square_by_line)
            add_squares(rows + begin, stride, num_rows, end - begin, squares);
    }
    if (!with_norms) return;
#pragma GCC unroll 8
    for (std::size_t r = 0; r < num_rows; ++r) {
        norms[r] = sum(squares[r]);
        for (std::size_t c = square_by_line ? dim / line_floats * line_floats : dim; c < dim; ++c)
            norms[r] += rows[r * stride + c] * rows[r * stride + c];
    }
}

/// Eight floats of a row's sums, of which `part` is the first eighth.
template <std::size_t vectors, class V>
inline Vec8 eight(const V (&sums)[vectors], std::size_t part) {
    if constexpr (sizeof(V) == sizeof(Vec8)) return sums[part];
    if constexpr (sizeof(V) == sizeof(Vec4))
        return __builtin_shufflevector(sums[2 * part], sums[2 * part + 1], 0, 1, 2, 3, 4, 5, 6, 7);
    if constexpr (sizeof(V) == sizeof(Vec16)) {
        const V v = sums[part / 2];
        return part % 2 == 0 ? __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
                             : __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    }
}

/// The first `count`: 8 or 6.
template <std::size_t count>
inline void store_first(float* to, Vec8 v) {
    if constexpr (count == 8) return store(to, v);
    typedef float Pair __attribute__((vector_size(8)));
    store(to, __builtin_shufflevector(v, v, 0, 1, 2, 3));
    store(to + 4, Pair{v[4], v[5]});
}

/// to[i * stride + r] = float i of the sums of row r, for 8 part <= i < 8 part + count, count at most 8.
template <std::size_t num_rows, std::size_t vectors, class V>
inline void put_columns(const V (&sums)[num_rows][vectors], std::size_t part, std::size_t count, float* to,
                        std::size_t stride) {
    Vec8 pairs[8], fours[8];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 8; r += 2) {
        const Vec8 a = r < num_rows ? eight(sums[r], part) : Vec8{},
                   b = r + 1 < num_rows ? eight(sums[r + 1], part) : Vec8{};
        pairs[r] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[r + 1] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {  // columns i and i + 4 of four rows
        const std::size_t at = i / 2;
        const bool low = i % 2 == 0;
#pragma GCC unroll 2
        for (std::size_t half = 0; half < 8; half += 4) {
            const Vec8 a = pairs[half + at], b = pairs[half + at + 2];
            fours[half + i] = low ? __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
                                  : __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
        if (i < count)
            store_first<num_rows>(to + i * stride,
                                  __builtin_shufflevector(fours[i], fours[4 + i], 0, 1, 2, 3, 8, 9, 10, 11));
        if (i + 4 < count)
            store_first<num_rows>(to + (i + 4) * stride, __builtin_shufflevector(fours[i], fours[4 + i], 4, 5,
                                                                                 6, 7, 12, 13, 14, 15));
    }
}

template <bool near, class V, std::size_t vectors, std::size_t rows_at_once>
inline void sum_strips(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
                       std::size_t count, std::size_t dim, float* scores, std::size_t score_stride,
                       float* norms) {
    constexpr std::size_t width = sizeof(V) / sizeof(float);
    const auto next = [&]<std::size_t num_rows>(std::size_t j) {
        V sums[num_rows][vectors] = {};
        if (norms)
            sum_strip<true, near>(queries, rows + j * stride, stride, dim, sums, norms + j);
        else
            sum_strip<false, near>(queries, rows + j * stride, stride, dim, sums, nullptr);
        float* to = scores + j;
        if constexpr (num_rows == 1)
            for (std::size_t i = 0; i < num_queries; ++i)
                to[i * score_stride] = sums[0][i / width][i % width];
        else
#pragma GCC unroll 2
            for (std::size_t i = 0; i < vectors * width; i += 8)
                if (i < num_queries)
                    put_columns(sums, i / 8, num_queries - i, to + i * score_stride, score_stride);
    };
    if (count < rows_at_once) {
        for (std::size_t j = 0; j < count; ++j) next.template operator()<1>(j);
        return;
    }
    for (std::size_t j = 0; j < count; j += rows_at_once)  // the last strip may repeat some rows
        next.template operator()<rows_at_once>(j + rows_at_once <= count ? j : count - rows_at_once);
}

template <bool near>
inline void sum_panel(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
                      std::size_t count, std::size_t dim, float* scores, std::size_t score_stride,
                      float* norms) {
    if constexpr (strip_queries > narrow_strip)
        if (num_queries <= narrow_strip)  // in half the time, on some CPUs
            return sum_strips<near, Vec8, 1, narrow_rows>(queries, num_queries, rows, stride, count, dim,
                                                          scores, score_stride, norms);
    sum_strips<near, Vec, strip_vectors, strip_rows>(queries, num_queries, rows, stride, count, dim, scores,
                                                     score_stride, norms);
}

void dot_strip(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
               std::size_t count, std::size_t dim, float* scores, std::size_t score_stride, float* norms,
               bool near) {
    const auto sum = near ? sum_panel<true> : sum_panel<false>;
    sum(queries, num_queries, rows, stride, count, dim, scores, score_stride, norms);
}
