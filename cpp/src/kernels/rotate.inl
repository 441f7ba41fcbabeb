// A rotation that spreads what stands in few columns over all: signs, then Hadamard's transform.

/// The lanes that lie `d` apart, exchanged.
template <int d>
inline Vec4 exchanged(Vec4 x) {
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d);
}
template <int d>
inline Vec8 exchanged(Vec8 x) {
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d);
}
template <int d>
inline Vec16 exchanged(Vec16 x) {
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d, 8 ^ d, 9 ^ d,
                                   10 ^ d, 11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d);
}

/// Sums and differences of lanes that lie `distance` apart.
template <int distance>
inline Vec butterfly(Vec x) {
    Vec signs;
    for (std::size_t l = 0; l < lanes; ++l) signs[l] = (l & distance) ? -1.0f : 1.0f;
    return exchanged<distance>(x) + x * signs;
}

inline Vec butterflies(Vec x) {
    x = butterfly<2>(butterfly<1>(x));
    if constexpr (lanes > 4) x = butterfly<4>(x);
    if constexpr (lanes > 8) x = butterfly<8>(x);
    return x;
}

/// Two steps of the transform at once: elements `half` apart, then 2 * half.
inline void two_steps(float* x, std::size_t half) {
    const Vec a = load<Vec>(x), b = load<Vec>(x + half), c = load<Vec>(x + 2 * half),
              d = load<Vec>(x + 3 * half);
    const Vec sum01 = a + b, difference01 = a - b, sum23 = c + d, difference23 = c - d;
    store(x, sum01 + sum23);
    store(x + half, difference01 + difference23);
    store(x + 2 * half, sum01 - sum23);
    store(x + 3 * half, difference01 - difference23);
}

/// `size` is a power of 2, at least 16.
inline void hadamard(float* x, std::size_t size) {
    for (std::size_t i = 0; i < size; i += lanes) store(x + i, butterflies(load<Vec>(x + i)));
    std::size_t half = lanes;
    for (; 2 * half < size; half *= 4)
        for (std::size_t i = 0; i < size; i += 4 * half)
            for (std::size_t j = i; j < i + half; j += lanes) two_steps(x + j, half);
    if (half < size)
        for (std::size_t j = 0; j < half; j += lanes) {
            const Vec a = load<Vec>(x + j), b = load<Vec>(x + j + half);
            store(x + j, a + b);
            store(x + j + half, a - b);
        }
}

void rotate_row(const float* row, const float* signs, std::size_t dim, std::size_t size, float scale,
                float* rotated) {
    if (size == dim) {
        for (std::size_t c = 0; c < dim; c += lanes)
            store(rotated + c, load<Vec>(row + c) * load<Vec>(signs + c) * broadcast(scale));
        hadamard(rotated, size);
        return;
    }
    for (std::size_t c = 0; c < dim; ++c) rotated[c] = row[c] * signs[c];
    const std::size_t firsts[2] = {0, dim - size};
    for (const std::size_t first : firsts) {
        for (std::size_t c = first; c < first + size; ++c) rotated[c] *= scale;
        hadamard(rotated + first, size);
    }
}
