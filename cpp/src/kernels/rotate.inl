// A rotation that spreads what stands in few columns over all: signs, then Hadamard's transform.

/// Sums and differences of lanes that lie `distance` apart.
template <int distance>
inline Vec butterfly(Vec x) {
    Vec signs;
    for (std::size_t l = 0; l < lanes; ++l) signs[l] = (l & distance) ? -1.0f : 1.0f;
    return fma(x, signs, exchanged<distance>(x));  // a product with 1 or -1 needs no rounding
}

inline Vec butterflies(Vec x) {
    x = butterfly<2>(butterfly<1>(x));
    if constexpr (lanes > 4) x = butterfly<4>(x);
    if constexpr (lanes > 8) x = butterfly<8>(x);
    return x;
}

/// Sums and differences of vectors 1, 2 .. count / 2 places apart: so many steps of the transform at once.
template <std::size_t count>
inline void steps(Vec (&x)[count]) {
#pragma GCC unroll 4
    for (std::size_t distance = 1; distance < count; distance *= 2)
#pragma GCC unroll 8
        for (std::size_t i = 0; i < count; ++i)
            if ((i & distance) == 0) {
                const Vec a = x[i], b = x[i + distance];
                x[i] = a + b;
                x[i + distance] = a - b;
            }
}

/// Steps of the transform from elements `half` apart on; values(i) is what stands in x + i.
template <std::size_t count, class Values>
inline void transform(float* x, std::size_t half, std::size_t size, const Values& values) {
    for (std::size_t i = 0; i < size; i += count * half)
        for (std::size_t j = i; j < i + half; j += lanes) {
            Vec parts[count];
#pragma GCC unroll 8
            for (std::size_t p = 0; p < count; ++p) parts[p] = values(j + p * half);
            steps(parts);
#pragma GCC unroll 8
            for (std::size_t p = 0; p < count; ++p) store(x + j + p * half, parts[p]);
        }
}

/// Of what values(i) gives for elements i .. i + lanes - 1, into x. `size` is a power of 2, at least 16.
template <class Values>
inline void hadamard(float* x, std::size_t size, const Values& values) {
    const auto in_lanes = [&](std::size_t i) { return butterflies(values(i)); };
    const auto stored = [&](std::size_t i) { return load<Vec>(x + i); };
    std::size_t half = lanes;
    if (size >= 8 * half) {
        transform<8>(x, half, size, in_lanes);
        half *= 8;
    } else {
        transform<1>(x, half, size, in_lanes);
    }
    for (; 8 * half <= size; half *= 8) transform<8>(x, half, size, stored);
    if (4 * half <= size) return transform<4>(x, half, size, stored);
    if (2 * half <= size) transform<2>(x, half, size, stored);
}

void rotate_row(const float* row, const float* signs, std::size_t dim, std::size_t size, float scale,
                float* rotated) {
    if (size == dim)
        return hadamard(rotated, size, [&](std::size_t i) {
            return load<Vec>(row + i) * load<Vec>(signs + i) * broadcast(scale);
        });
    for (std::size_t c = 0; c < dim; ++c) rotated[c] = row[c] * signs[c];
    const std::size_t firsts[2] = {0, dim - size};
    for (const std::size_t first : firsts)
        hadamard(rotated + first, size,
                 [&](std::size_t i) { return load<Vec>(rotated + first + i) * broadcast(scale); });
}
