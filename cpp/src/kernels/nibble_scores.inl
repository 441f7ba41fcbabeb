// Float scores of codes of 4 bits a value: a table of 16 floats is looked up for as many codes as a vector
// has lanes.

/// table[index[l] % 16] in lane l, of a table of 16.
inline Vec pick_of_16(const float* table, VecIndex index) {
#if defined(__AVX512F__)
    return _mm512_maskz_permutexvar_ps(0xffff, (__m512i)index, _mm512_loadu_ps(table));
#elif defined(__AVX2__)
    const auto places = (__m256i)index;
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), places),
                 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), places);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(places, 28)));
#else
    Vec picked;
    for (std::size_t l = 0; l < lanes; ++l) picked[l] = table[index[l] & 15];
    return picked;
#endif
}

void nibble_scores(const float* tables, const std::uint8_t* codes, std::size_t stride,
                   const std::uint32_t* rows, std::size_t count, std::size_t code_size, float* scores) {
    constexpr std::size_t words_at_once = 8;
    for (std::size_t first = 0; first < count; first += lanes) {
        const std::size_t here = count - first < lanes ? count - first : lanes;
        const auto row = [&](std::size_t i) { return codes + rows[first + (i < here ? i : 0)] * stride; };
        for (std::size_t i = first + lanes; i < first + 2 * lanes && i < count; ++i)
            __builtin_prefetch(codes + rows[i] * stride);
        Vec sums[4] = {};
        for (std::size_t b = 0; b < code_size; b += 4 * words_at_once) {
            const std::size_t left = code_size - b, width = left < 32 ? left : 32;
            std::uint32_t words[words_at_once][lanes] = {};
            for (std::size_t l = 0; l < lanes; ++l) {
                const std::uint8_t* code = row(l) + b;
                for (std::size_t w = 0; w < width / 4; ++w) __builtin_memcpy(&words[w][l], code + 4 * w, 4);
                for (std::size_t i = width / 4 * 4; i < width; ++i)
                    words[i / 4][l] |= std::uint32_t{code[i]} << i % 4 * 8;
            }
            for (std::size_t w = 0; w < (width + 3) / 4; ++w) {
                const VecIndex word = load_index(words[w]);
                const float* table = tables + (b + 4 * w) * 32;
#pragma GCC unroll 4
                for (std::size_t i = 0; i < 4; ++i)
                    if (4 * w + i < width)
                        sums[i] += pick_of_16(table + 32 * i, word >> 8 * i) +
                                   pick_of_16(table + 32 * i + 16, word >> (8 * i + 4));
            }
        }
        float of_lanes[lanes];
        store(of_lanes, (sums[0] + sums[1]) + (sums[2] + sums[3]));
        for (std::size_t l = 0; l < here; ++l) scores[first + l] = of_lanes[l];
    }
}
