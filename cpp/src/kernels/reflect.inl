// Reflections of some rows at a time, a row a lane, in double.

constexpr std::size_t reflected_vectors = reflected_rows / double_lanes;

/// The rows' values in one column.
inline VecD* reflected_column(double* work, std::size_t c) {
    return reinterpret_cast<VecD*>(work + c * reflected_rows);
}

struct ReflectedSums {
    VecD parts[4][reflected_vectors] = {};
};

/// Takes times v from the rows' values in four columns, and adds those of the next reflector, w, to the sums.
inline void reflect_four(const double* v, const VecD (&times)[reflected_vectors], const double* w,
                         double* work, ReflectedSums& sums) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < 4; ++part) {
        const VecD from = v[part] - VecD{}, to = w[part] - VecD{};
#pragma GCC unroll 4
        for (std::size_t r = 0; r < reflected_vectors; ++r) {
            VecD& values = reflected_column(work, part)[r];
            values -= from * times[r];
            sums.parts[part][r] += to * values;
        }
    }
}

void reflect_rows(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                  const double* reflectors, const double* factors, std::size_t num_reflectors, double* work,
                  float* reflected) {
    const std::size_t padded = (dim + 3) / 4 * 4;
    for (std::size_t c = 0; c < padded; ++c)
        for (std::size_t j = 0; j < reflected_rows; ++j)
            work[c * reflected_rows + j] = j < count && c < dim ? rows[j * stride + c] : 0;
    VecD times[reflected_vectors] = {};
    const double* last = reflectors;
    for (std::size_t i = 0; i < num_reflectors; ++i) {
        const double* next = reflectors + i * padded;
        ReflectedSums sums;
        for (std::size_t c = 0; c < padded; c += 4)
            reflect_four(last + c, times, next + c, work + c * reflected_rows, sums);
        for (std::size_t r = 0; r < reflected_vectors; ++r)
            times[r] =
                factors[i] * ((sums.parts[0][r] + sums.parts[1][r]) + (sums.parts[2][r] + sums.parts[3][r]));
        last = next;
    }
    for (std::size_t j = 0; j < count; ++j)
        for (std::size_t c = 0; c < dim; ++c)
            reflected[j * dim + c] = static_cast<float>(work[c * reflected_rows + j] -
                                                        last[c] * times[j / double_lanes][j % double_lanes]);
}
