// Weighted sums of rows of bytes, two rows at a time.

/// Byte l of both rows, as neighbouring 16-bit integers of lane l.
inline VecShort byte_pairs(const std::uint8_t* a, const std::uint8_t* b) {
#if defined(__AVX512BW__)
    const __m128i x = load_bytes<__m128i>(a), y = load_bytes<__m128i>(b);
    const __m256i pairs = _mm256_set_m128i(_mm_unpackhi_epi8(x, y), _mm_unpacklo_epi8(x, y));
    return (VecShort)_mm512_maskz_cvtepu8_epi16(0xffffffff, pairs);
#elif defined(__AVX2__)
    const __m128i x = _mm_cvtsi64_si128(load_bytes<std::int64_t>(a));
    const __m128i y = _mm_cvtsi64_si128(load_bytes<std::int64_t>(b));
    return (VecShort)_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x, y));
#elif defined(__SSE2__)
    const __m128i x = _mm_cvtsi32_si128(load_bytes<std::int32_t>(a));
    const __m128i y = _mm_cvtsi32_si128(load_bytes<std::int32_t>(b));
    return (VecShort)_mm_unpacklo_epi8(_mm_unpacklo_epi8(x, y), _mm_setzero_si128());
#else
    VecShort pairs;
    for (std::size_t l = 0; l < lanes; ++l) pairs[2 * l] = a[l], pairs[2 * l + 1] = b[l];
    return pairs;
#endif
}

/// Two neighbouring weights in every lane.
inline VecShort weight_pair(const std::int16_t* weights) {
    return (VecShort)(load_bytes<std::int32_t>(weights) - VecI{});
}

/// The integers, held within 0 and 255, as bytes.
inline void store_clamped(std::uint8_t* out, VecI integers) {
#if defined(__AVX512F__)
    const __m512i not_negative = _mm512_maskz_max_epi32(0xffff, (__m512i)integers, _mm512_setzero_si512());
    store_bytes(out, _mm512_maskz_cvtusepi32_epi8(0xffff, not_negative));
#elif defined(__AVX2__)
    const __m256i v = (__m256i)integers;
    const __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    store_bytes(out, _mm_cvtsi128_si64(_mm_packus_epi16(shorts, shorts)));
#elif defined(__SSE2__)
    const __m128i shorts = _mm_packs_epi32((__m128i)integers, (__m128i)integers);
    store_bytes(out, _mm_cvtsi128_si32(_mm_packus_epi16(shorts, shorts)));
#else
    for (std::size_t l = 0; l < lanes; ++l)
        out[l] = static_cast<std::uint8_t>(integers[l] < 0 ? 0 : integers[l] > 255 ? 255 : integers[l]);
#endif
}

/// `vectors` times lanes bytes.
template <std::size_t vectors>
inline void blend_block(const std::uint8_t* rows, std::size_t stride, const BlendWeights& weights,
                        std::uint8_t* out) {
    VecI high[vectors] = {}, low[vectors] = {};
    for (std::size_t t = 0; t < weights.count; t += 2) {
        const std::uint8_t* row = rows + t * stride;
        const std::uint8_t* next = t + 1 < weights.count ? row + stride : row;
        const VecShort high_pair = weight_pair(weights.high + t), low_pair = weight_pair(weights.low + t);
        for (std::size_t v = 0; v < vectors; ++v) {
            const VecShort pairs = byte_pairs(row + v * lanes, next + v * lanes);
            high[v] += add_pairs(pairs, high_pair);
            low[v] += add_pairs(pairs, low_pair);
        }
    }
    for (std::size_t v = 0; v < vectors; ++v)
        store_clamped(out + v * lanes, ((high[v] << blend_low_bits) + low[v] + blend_one / 2) >> blend_bits);
}

void blend_bytes(const std::uint8_t* rows, std::size_t stride, const BlendWeights& weights, std::size_t width,
                 std::uint8_t* out) {
    constexpr std::size_t block = 4;
    std::size_t j = 0;
    for (; j + block * lanes <= width; j += block * lanes)
        blend_block<block>(rows + j, stride, weights, out + j);
    for (; j + lanes <= width; j += lanes) blend_block<1>(rows + j, stride, weights, out + j);
    for (; j < width; ++j) {
        std::int32_t sum = blend_one / 2;
        for (std::size_t t = 0; t < weights.count; ++t)
            sum += rows[t * stride + j] * (weights.high[t] * (1 << blend_low_bits) + weights.low[t]);
        const std::int32_t byte = sum >> blend_bits;
        out[j] = static_cast<std::uint8_t>(byte < 0 ? 0 : byte > 255 ? 255 : byte);
    }
}
