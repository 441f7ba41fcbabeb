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

void fused_dot_tile(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
                    std::size_t stride) {
    sum_tile(queries, rows, dim, add, scores, stride, fma_exact);
}

void fused_l2_tile(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
                   std::size_t stride) {
    sum_tile(queries, rows, dim, add, scores, stride, [](Vec query, Vec row, Vec sum) {
        const Vec difference = query - row;
        return fma_exact(difference, difference, sum);
    });
}
