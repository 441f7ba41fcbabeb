// A rotation that spreads what stands in few columns over all: signs, then Hadamard's transform.

/// Sums and differences of lanes that lie `distance` apart.
template <int distance>
inline Vec16 butterfly(Vec16 x) {
    constexpr int d = distance;
    const Vec16 other = __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d,
                                                8 ^ d, 9 ^ d, 10 ^ d, 11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d);
    constexpr auto sign = [](int lane) { return (lane & distance) ? -1.0f : 1.0f; };
    const Vec16 signs = {sign(0), sign(1), sign(2),  sign(3),  sign(4),  sign(5),  sign(6),  sign(7),
                         sign(8), sign(9), sign(10), sign(11), sign(12), sign(13), sign(14), sign(15)};
    return other + x * signs;
}

inline void hadamard(float* x, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 16)
        store(x + i, butterfly<8>(butterfly<4>(butterfly<2>(butterfly<1>(load<Vec16>(x + i))))));
    for (std::size_t half = 16; half < size; half *= 2)
        for (std::size_t i = 0; i < size; i += 2 * half)
            for (std::size_t j = i; j < i + half; j += 16) {
                const Vec16 a = load<Vec16>(x + j), b = load<Vec16>(x + j + half);
                store(x + j, a + b);
                store(x + j + half, a - b);
            }
}

void rotate_row(const float* row, const float* signs, std::size_t dim, std::size_t size, float scale,
                float* rotated) {
    for (std::size_t c = 0; c < dim; ++c) rotated[c] = row[c] * signs[c];
    const std::size_t firsts[2] = {0, dim - size};
    for (const std::size_t first : firsts) {
        for (std::size_t c = first; c < first + size; ++c) rotated[c] *= scale;
        hadamard(rotated + first, size);
        if (size == dim) break;
    }
}
