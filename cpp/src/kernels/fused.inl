// Scores of a whole ranking: float sums in one order, fused, the same bits at every level.

#if defined(__AVX2__) || defined(__aarch64__)
inline Vec fma_exact(Vec a, Vec b, Vec c) { return fma(a, b, c); }
#else
typedef std::int64_t Vec4l __attribute__((vector_size(32)));
typedef double Vec4d __attribute__((vector_size(32)));

/// a * b + c, rounded once: in double the product is exact; the sum is rounded to odd, so that rounding it to
/// float is as good as rounding the exact value (Boldo and Melquiond, IEEE Transactions on Computers 57,
/// 2008).
inline Vec fma_exact(Vec a, Vec b, Vec c) {
    const Vec4d product = __builtin_convertvector(a, Vec4d) * __builtin_convertvector(b, Vec4d);
    const Vec4d addend = __builtin_convertvector(c, Vec4d), sum = product + addend, part = sum - product;
    const Vec4d error = (product - (sum - part)) + (addend - part);
    const Vec4l bits = (Vec4l)sum, inexact = (error > 0) | (error < 0), even = (bits & 1) == 0;
    const Vec4l away = (error > 0) == (sum > 0);  // from zero
    const Vec4l step = (away & 2) - 1;
    return __builtin_convertvector((Vec4d)(bits + (step & inexact & even)), Vec);
}
#endif

inline Vec add_square(Vec query, Vec row, Vec sum) {
    const Vec difference = query - row;
    return fma_exact(difference, difference, sum);
}

template <class Add>
inline void sum_tile(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
                     std::size_t stride, Add add_term) {
    for (std::size_t begin = 0; begin < dim; begin += fused_chunk) {
        const std::size_t end = begin + fused_chunk < dim ? begin + fused_chunk : dim;
        Vec sums[tile_queries][2] = {};
        for (std::size_t c = begin; c < end; ++c, queries += tile_queries, rows += tile_rows) {
            const Vec left = load<Vec>(rows), right = load<Vec>(rows + lanes);
#pragma GCC unroll 12
            for (std::size_t i = 0; i < tile_queries; ++i) {
                const Vec query = broadcast(queries[i]);
                sums[i][0] = add_term(query, left, sums[i][0]);
                sums[i][1] = add_term(query, right, sums[i][1]);
            }
        }
        put_sums(sums, add || begin > 0, scores, stride);
    }
}

/// In every four lanes a[i], a[j], b[k], b[l].
template <int i, int j, int k, int l>
inline Vec in_fours(Vec a, Vec b) {
#if defined(__AVX512F__)
    return __builtin_shufflevector(a, b, i, j, 16 + k, 16 + l, 4 + i, 4 + j, 20 + k, 20 + l, 8 + i, 8 + j,
                                   24 + k, 24 + l, 12 + i, 12 + j, 28 + k, 28 + l);
#elif defined(__AVX2__)
    return __builtin_shufflevector(a, b, i, j, 8 + k, 8 + l, 4 + i, 4 + j, 12 + k, 12 + l);
#else
    return __builtin_shufflevector(a, b, i, j, 4 + k, 4 + l);
#endif
}

/// Four floats of each of lanes / 4 rows that lie four apart.
inline Vec load_fours(const float* const* rows, std::size_t column) {
#if defined(__AVX512F__)
    const Vec8 low = __builtin_shufflevector(load<Vec4>(rows[0] + column), load<Vec4>(rows[4] + column), 0, 1,
                                             2, 3, 4, 5, 6, 7);
    const Vec8 high = __builtin_shufflevector(load<Vec4>(rows[8] + column), load<Vec4>(rows[12] + column), 0,
                                              1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX2__)
    return __builtin_shufflevector(load<Vec4>(rows[0] + column), load<Vec4>(rows[4] + column), 0, 1, 2, 3, 4,
                                   5, 6, 7);
#else
    return load<Vec4>(rows[0] + column);
#endif
}

/// Adds the terms of four columns of `lanes` rows.
template <class Add>
inline void add_fours(const float* query, const float* const* rows, std::size_t column, Vec& sum,
                      Add add_term) {
    const Vec x0 = load_fours(rows, column), x1 = load_fours(rows + 1, column),
              x2 = load_fours(rows + 2, column), x3 = load_fours(rows + 3, column);
    const Vec low01 = in_fours<0, 1, 0, 1>(x0, x1), high01 = in_fours<2, 3, 2, 3>(x0, x1),
              low23 = in_fours<0, 1, 0, 1>(x2, x3), high23 = in_fours<2, 3, 2, 3>(x2, x3);
    sum = add_term(broadcast(query[0]), in_fours<0, 2, 0, 2>(low01, low23), sum);
    sum = add_term(broadcast(query[1]), in_fours<1, 3, 1, 3>(low01, low23), sum);
    sum = add_term(broadcast(query[2]), in_fours<0, 2, 0, 2>(high01, high23), sum);
    sum = add_term(broadcast(query[3]), in_fours<1, 3, 1, 3>(high01, high23), sum);
}

#if defined(__AVX512F__)
/// Four lanes of four floats of a[i], a[j], b[i], b[j].
template <int i, int j>
inline Vec lanes_of(Vec a, Vec b) {
    return (Vec)_mm512_maskz_shuffle_f32x4(0xffff, (__m512)a, (__m512)b, i | j << 2 | i << 4 | j << 6);
}

/// columns[c] = value c of each of 16 rows, of which line(r) are 16 values.
template <class Line>
inline void turn_over(Line line, Vec (&columns)[16]) {
    Vec fours[4][4];  // [c][g]: columns c, 4 + c, 8 + c, 12 + c of rows 4 g and on
#pragma GCC unroll 4
    for (std::size_t g = 0; g < 4; ++g) {
        const Vec x0 = line(4 * g), x1 = line(4 * g + 1), x2 = line(4 * g + 2), x3 = line(4 * g + 3);
        const Vec low01 = in_fours<0, 1, 0, 1>(x0, x1), high01 = in_fours<2, 3, 2, 3>(x0, x1),
                  low23 = in_fours<0, 1, 0, 1>(x2, x3), high23 = in_fours<2, 3, 2, 3>(x2, x3);
        fours[0][g] = in_fours<0, 2, 0, 2>(low01, low23), fours[1][g] = in_fours<1, 3, 1, 3>(low01, low23);
        fours[2][g] = in_fours<0, 2, 0, 2>(high01, high23),
        fours[3][g] = in_fours<1, 3, 1, 3>(high01, high23);
    }
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) {
        const Vec low01 = lanes_of<0, 1>(fours[c][0], fours[c][1]),
                  low23 = lanes_of<0, 1>(fours[c][2], fours[c][3]),
                  high01 = lanes_of<2, 3>(fours[c][0], fours[c][1]),
                  high23 = lanes_of<2, 3>(fours[c][2], fours[c][3]);
        columns[c] = lanes_of<0, 2>(low01, low23), columns[4 + c] = lanes_of<1, 3>(low01, low23);
        columns[8 + c] = lanes_of<0, 2>(high01, high23), columns[12 + c] = lanes_of<1, 3>(high01, high23);
    }
}

/// Sums of 16 rows, a line of the cache of each after the other: each is read once, since rows that lie a
/// power of two apart drive each other's lines out.
template <class Add>
inline Vec sum_lines(const float* query, const float* rows, std::size_t stride, std::size_t dim,
                     Add add_term) {
    const auto start = reinterpret_cast<std::uintptr_t>(rows);
    const std::size_t before = stride % 16 == 0 ? start / 4 % 16 : 0;  // in the first line
    Vec total = broadcast(-0.0f), sum = {}, columns[16];
    const auto end_chunk = [&](std::size_t column) __attribute__((always_inline)) {
        if (column == 0 || column % fused_chunk > 0) return;
        total = total + sum;
        sum = Vec{};
    };
    for (std::size_t at = 0; at < before + dim; at += 16) {
        const std::size_t column = at - before;  // the line's first, which may be one of the row before
        const auto* line = reinterpret_cast<const float*>(start + 4 * column);
        if (at >= before && column + 16 <= dim && column % fused_chunk + 16 <= fused_chunk) {
            end_chunk(column);
            turn_over([&](std::size_t r) { return load<Vec>(line + r * stride); }, columns);
#pragma GCC unroll 16
            for (std::size_t l = 0; l < 16; ++l)
                sum = add_term(broadcast(query[column + l]), columns[l], sum);
            continue;
        }
        const std::size_t first = at < before ? before - at : 0,
                          last = at + 16 < before + dim ? 16 : before + dim - at;
        const auto here = static_cast<__mmask16>((1u << last) - (1u << first));
        turn_over([&](std::size_t r) { return (Vec)_mm512_maskz_loadu_ps(here, line + r * stride); },
                  columns);
        for (std::size_t l = first; l < last; ++l) {
            end_chunk(column + l);
            sum = add_term(broadcast(query[column + l]), columns[l], sum);
        }
    }
    return total + sum;
}
#endif

/// Rows are turned over in registers, four columns at a time: for one query nothing is packed.
template <class Add>
inline void sum_rows(const float* query, const float* rows, std::size_t stride, std::size_t count,
                     std::size_t dim, float* sums, Add add_term) {
#if defined(__AVX512F__)
    if (count >= lanes) {
        for (std::size_t j = 0; j < count; j += lanes) {  // the last rows may be summed again
            const std::size_t first = j + lanes <= count ? j : count - lanes;
            store(sums + first, sum_lines(query, rows + first * stride, stride, dim, add_term));
        }
        return;
    }
#endif
    // Rows a multiple of 4 KB apart drive each other out of a cache: half of them meet, a line after the
    // other.
    const bool collide = stride % 1024 == 0;
    const std::size_t lead = reinterpret_cast<std::uintptr_t>(rows) / sizeof(float) % 16;
    for (std::size_t j = 0; j < count; j += tile_rows) {
        const float* row[tile_rows];  // the last ones stand for those that are lacking
        for (std::size_t r = 0; r < tile_rows; ++r)
            row[r] = rows + (j + r < count ? j + r : count - 1) * stride;
        Vec total[2] = {};
        for (std::size_t begin = 0; begin < dim; begin += fused_chunk) {
            const std::size_t end = begin + fused_chunk < dim ? begin + fused_chunk : dim;
            Vec sum[2] = {};
            std::size_t c = begin;
            const auto add_some = [&]<std::size_t columns>() __attribute__((always_inline)) {
#pragma GCC unroll 2
                for (std::size_t half = 0; half < 2; ++half)
#pragma GCC unroll 4
                    for (std::size_t t = c; t < c + columns; t += 4)
                        add_fours(query + t, row + half * lanes, t, sum[half], add_term);
                c += columns;
            };
            while (c + 4 <= end && !(collide && (c + lead) % 16 == 0)) add_some.template operator()<4>();
            while (c + 16 <= end) add_some.template operator()<16>();
            while (c + 4 <= end) add_some.template operator()<4>();
            for (; c < end; ++c)
                for (std::size_t half = 0; half < 2; ++half) {
                    Vec column;
                    for (std::size_t l = 0; l < lanes; ++l) column[l] = row[half * lanes + l][c];
                    sum[half] = add_term(broadcast(query[c]), column, sum[half]);
                }
            for (std::size_t half = 0; half < 2; ++half)
                total[half] = begin > 0 ? total[half] + sum[half] : sum[half];
        }
        for (std::size_t r = 0; r < tile_rows && j + r < count; ++r)
            sums[j + r] = total[r / lanes][r % lanes];
    }
}

void fused_dot_tile(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
                    std::size_t stride) {
    sum_tile(queries, rows, dim, add, scores, stride, fma_exact);
}

void fused_l2_tile(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
                   std::size_t stride) {
    sum_tile(queries, rows, dim, add, scores, stride, add_square);
}

void fused_dot_rows(const float* query, const float* rows, std::size_t stride, std::size_t count,
                    std::size_t dim, float* sums) {
    sum_rows(query, rows, stride, count, dim, sums, fma_exact);
}

void fused_l2_rows(const float* query, const float* rows, std::size_t stride, std::size_t count,
                   std::size_t dim, float* sums) {
    sum_rows(query, rows, stride, count, dim, sums, add_square);
}
