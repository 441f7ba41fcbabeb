// Compact descriptors as float.

void widen_half(const std::uint16_t* bits, std::size_t count, float* values) {
    std::size_t c = 0;
#if defined(__AVX512F__)
    for (; c + 16 <= count; c += 16)
        _mm512_storeu_ps(
            values + c,
            _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits + c))));
#elif defined(__AVX2__)
    for (; c + 8 <= count; c += 8)
        _mm256_storeu_ps(values + c,
                         _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bits + c))));
#endif
    for (; c < count; ++c) {  // exponent and mantissa in place, the exponent's bias mended by a product
        const std::uint32_t half = bits[c], magnitude = (half & 0x7fffu) << 13;
        const float scaled = __builtin_bit_cast(float, magnitude) * 0x1p112f;
        values[c] = half & 0x8000u ? -scaled : scaled;
    }
}

void widen_int8(const std::int8_t* codes, float scale, std::size_t count, float* values) {
    for (std::size_t c = 0; c < count; ++c) values[c] = static_cast<float>(codes[c]) * scale;
}
