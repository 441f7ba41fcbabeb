// Scores in double, in one order of summation for all levels.

struct SumsOf16 {
    VecD parts[16 / double_lanes];

    double total() const {
        constexpr std::size_t count = 16 / double_lanes;
        VecD v[count];
        for (std::size_t i = 0; i < count; ++i) v[i] = parts[i];
        for (std::size_t half = count / 2; half > 0; half /= 2)
            for (std::size_t i = 0; i < half; ++i) v[i] += v[i + half];
#if defined(__AVX512F__)
        return sum(v[0]);
#elif defined(__AVX2__)
        return (v[0][0] + v[0][2]) + (v[0][1] + v[0][3]);
#else
        return v[0][0] + v[0][1];
#endif
    }
};

/// Adds term(a, b) of 16 elements to the sums.
template <class Term>
inline void add16(SumsOf16& sums, const float* a, const float* b, Term term) {
#pragma GCC unroll 8
    for (std::size_t p = 0; p < 16 / double_lanes; ++p)
        sums.parts[p] =
            term(load_widened(a + p * double_lanes), load_widened(b + p * double_lanes), sums.parts[p]);
}

/// sum + a * b: the product of two floats is exact in double, so that fusing changes no bit.
inline VecD add_product(VecD a, VecD b, VecD sum) {
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, sum);
#elif defined(__AVX2__)
    return _mm256_fmadd_pd(a, b, sum);
#else
    return sum + a * b;
#endif
}

template <class Term>
inline double sum_terms(const float* a, const float* b, std::size_t dim, Term term) {
    SumsOf16 sums = {};
    std::size_t c = 0;
    for (; c + 16 <= dim; c += 16) add16(sums, a + c, b + c, term);
    if (c < dim) {  // a zero adds nothing to its sum
        float last_a[16] = {}, last_b[16] = {};
        for (std::size_t t = 0; c + t < dim; ++t) last_a[t] = a[c + t], last_b[t] = b[c + t];
        add16(sums, last_a, last_b, term);
    }
    return sums.total();
}

double dot_f64(const float* a, const float* b, std::size_t dim) { return sum_terms(a, b, dim, add_product); }

/// dot_f64 of n vectors at a time, so that sums do not wait for each other.
template <std::size_t n>
inline void dot_some_f64(const double* a, const float* const* vectors, const float* next, std::size_t dim,
                         double* products) {
    SumsOf16 sums[n];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < n; ++i)
#pragma GCC unroll 8
        for (std::size_t p = 0; p < 16 / double_lanes; ++p)
            sums[i].parts[p] = VecD{};  // in registers at once
    const auto add = [&](const double* x, const float* const* ys,
                         std::size_t c) __attribute__((always_inline)) {
#pragma GCC unroll 8
        for (std::size_t p = 0; p < 16 / double_lanes; ++p) {
            const VecD left = load(x + p * double_lanes);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < n; ++i)
                sums[i].parts[p] =
                    add_product(left, load_widened(ys[i] + c + p * double_lanes), sums[i].parts[p]);
        }
    };
    std::size_t c = 0;
    for (; c + 16 <= dim; c += 16) {
        fetch_ahead<2>(next, c);
        add(a + c, vectors, c);
    }
    if (c < dim) {
        float rest[n][16] = {};
        const float* last[n];
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t t = 0; c + t < dim; ++t) rest[i][t] = vectors[i][c + t];
            last[i] = rest[i];
        }
        add(a + c, last, 0);
    }
    for (std::size_t i = 0; i < n; ++i) products[i] = sums[i].total();
}

void dots_f64(const double* a, const float* const* vectors, std::size_t count, const float* next,
              std::size_t dim, double* products) {
    constexpr std::size_t at_once = double_lanes / 2;  // eight sums
    visit_some<at_once>(count, [&]<std::size_t n>(std::size_t i) {
        dot_some_f64<n>(a, vectors + i, next ? next : vectors[i], dim, products + i);
    });
}

double squared_l2_f64(const float* a, const float* b, std::size_t dim) {
    return sum_terms(a, b, dim, [](VecD x, VecD y, VecD sum) { return sum + (x - y) * (x - y); });
}
