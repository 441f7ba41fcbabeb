// Scores in double, in one order of summation for all levels.

struct SumsOf16 {
    Vec8d low{}, high{};

    double total() const { return sum(low + high); }
};

/// Adds term(a, b) of 16 elements to the sums.
template <class Term>
inline void add16(SumsOf16& sums, const float* a, const float* b, Term term) {
    sums.low = term(__builtin_convertvector(load<Vec8>(a), Vec8d),
                    __builtin_convertvector(load<Vec8>(b), Vec8d), sums.low);
    sums.high = term(__builtin_convertvector(load<Vec8>(a + 8), Vec8d),
                     __builtin_convertvector(load<Vec8>(b + 8), Vec8d), sums.high);
}

/// sum + a * b: the product of two floats is exact in double, so that fusing changes no bit.
inline Vec8d add_product(Vec8d a, Vec8d b, Vec8d sum) {
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, sum);
#else
    return sum + a * b;
#endif
}

template <class Term>
inline double sum_terms(const float* a, const float* b, std::size_t dim, Term term) {
    SumsOf16 sums;
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

double squared_l2_f64(const float* a, const float* b, std::size_t dim) {
    return sum_terms(a, b, dim, [](Vec8d x, Vec8d y, Vec8d sum) { return sum + (x - y) * (x - y); });
}
