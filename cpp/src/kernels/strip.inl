// Sums of a panel of queries, side by side in a vector, with rows as they lie: nothing of these is packed.

constexpr std::size_t strip_queries = lanes;
constexpr std::size_t strip_rows = 8;   // whose sums do not wait for each other
constexpr std::size_t rows_ahead = 16;  // that are asked for

/// Sums of num_rows rows, and those of their squares. Where they are near, those that follow come soon enough
/// unasked.
template <bool with_norms, bool near, std::size_t num_rows, class V>
inline void sum_strip(const float* queries, const float* rows, std::size_t stride, std::size_t dim,
                      V (&totals)[num_rows], float* norms) {
    Vec squares[num_rows] = {};
    for (std::size_t begin = 0; begin < dim; begin += fused_chunk) {
        const std::size_t end = begin + fused_chunk < dim ? begin + fused_chunk : dim;
        V sums[num_rows] = {};
        const auto add_column = [&](std::size_t c) __attribute__((always_inline)) {
            const V query = load<V>(queries + c * (sizeof(V) / sizeof(float)));
#pragma GCC unroll 8
            for (std::size_t r = 0; r < num_rows; ++r)
                sums[r] = fma(query, rows[r * stride + c] - V{}, sums[r]);
        };
        std::size_t c = begin;
        for (; c + line_floats <= end; c += line_floats) {
#pragma GCC unroll 8
            for (std::size_t r = 0; r < num_rows; ++r) {
                const float* row = rows + r * stride + c;
                if (!near) fetch_ahead<2>(row, rows_ahead * stride);
                if (with_norms)
                    for (std::size_t t = 0; t < line_floats; t += lanes) {
                        const Vec values = load<Vec>(row + t);
                        squares[r] = fma(values, values, squares[r]);
                    }
            }
            for (std::size_t t = 0; t < line_floats; ++t) add_column(c + t);
        }
        for (; c < end; ++c) add_column(c);
#pragma GCC unroll 8
        for (std::size_t r = 0; r < num_rows; ++r) totals[r] = begin > 0 ? totals[r] + sums[r] : sums[r];
    }
    if (!with_norms) return;
#pragma GCC unroll 8
    for (std::size_t r = 0; r < num_rows; ++r) {
        norms[r] = sum(squares[r]);
        for (std::size_t c = dim / line_floats * line_floats; c < dim; ++c)
            norms[r] += rows[r * stride + c] * rows[r * stride + c];
    }
}

/// to[i * stride + r] = rows[r][i] for i < count, at most 8.
inline void put_columns(const Vec8 (&rows)[8], std::size_t count, float* to, std::size_t stride) {
    Vec8 pairs[8], fours[8];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 8; r += 2) {
        pairs[r] = __builtin_shufflevector(rows[r], rows[r + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[r + 1] = __builtin_shufflevector(rows[r], rows[r + 1], 2, 10, 3, 11, 6, 14, 7, 15);
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
            store(to + i * stride, __builtin_shufflevector(fours[i], fours[4 + i], 0, 1, 2, 3, 8, 9, 10, 11));
        if (i + 4 < count)
            store(to + (i + 4) * stride,
                  __builtin_shufflevector(fours[i], fours[4 + i], 4, 5, 6, 7, 12, 13, 14, 15));
    }
}

#if defined(__AVX512F__)
inline void put_columns(const Vec16 (&rows)[8], std::size_t count, float* to, std::size_t stride) {
    Vec8 low[8], high[8];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 8; ++r) {
        low[r] = __builtin_shufflevector(rows[r], rows[r], 0, 1, 2, 3, 4, 5, 6, 7);
        high[r] = __builtin_shufflevector(rows[r], rows[r], 8, 9, 10, 11, 12, 13, 14, 15);
    }
    put_columns(low, count, to, stride);
    if (count > 8) put_columns(high, count - 8, to + 8 * stride, stride);
}
#endif

/// The same of any number of rows.
template <std::size_t num_rows, class V>
inline void put_columns(const V (&rows)[num_rows], std::size_t count, float* to, std::size_t stride) {
    for (std::size_t r = 0; r < num_rows; ++r)
        for (std::size_t i = 0; i < count; ++i) to[i * stride + r] = rows[r][i];
}

template <bool near, class V>
inline void sum_strips(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
                       std::size_t count, std::size_t dim, float* scores, std::size_t score_stride,
                       float* norms) {
    const auto next = [&]<std::size_t num_rows>(std::size_t j) {
        V sums[num_rows] = {};
        if (norms)
            sum_strip<true, near>(queries, rows + j * stride, stride, dim, sums, norms + j);
        else
            sum_strip<false, near>(queries, rows + j * stride, stride, dim, sums, nullptr);
        put_columns(sums, num_queries, scores + j, score_stride);
    };
    if (count < strip_rows) {
        for (std::size_t j = 0; j < count; ++j) next.template operator()<1>(j);
        return;
    }
    for (std::size_t j = 0; j < count; j += strip_rows)  // the last strip may repeat some rows
        next.template operator()<strip_rows>(j + strip_rows <= count ? j : count - strip_rows);
}

template <bool near>
inline void sum_panel(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
                      std::size_t count, std::size_t dim, float* scores, std::size_t score_stride,
                      float* norms) {
#if defined(__AVX512F__)
    if (num_queries <= narrow_strip)  // in half the time, on some CPUs
        return sum_strips<near, Vec8>(queries, num_queries, rows, stride, count, dim, scores, score_stride,
                                      norms);
#endif
    sum_strips<near, Vec>(queries, num_queries, rows, stride, count, dim, scores, score_stride, norms);
}

void dot_strip(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
               std::size_t count, std::size_t dim, float* scores, std::size_t score_stride, float* norms,
               bool near) {
    const auto sum = near ? sum_panel<true> : sum_panel<false>;
    sum(queries, num_queries, rows, stride, count, dim, scores, score_stride, norms);
}
