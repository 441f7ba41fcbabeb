// Half precision, bfloat16 and scaled bytes as floats, and these as doubles.

void widen_float(const float* from, std::size_t count, double* to) {
    std::size_t i = 0;
    for (; i + double_lanes <= count; i += double_lanes) store(to + i, load_widened(from + i));
    for (; i < count; ++i) to[i] = from[i];
}

void widen_half(const std::uint16_t* from, std::size_t count, float* to) {
    std::size_t i = 0;
#if defined(__F16C__)
    for (; i + 8 <= count; i += 8) _mm256_storeu_ps(to + i, _mm256_cvtph_ps(load_bytes<__m128i>(from + i)));
#endif
    for (; i < count; ++i) {
        const std::uint32_t sign = static_cast<std::uint32_t>(from[i] & 0x8000) << 16;
        const std::uint32_t rest = static_cast<std::uint32_t>(from[i] & 0x7fff) << 13;  // in a float's places
        // Times 2^112 the exponents agree, subnormal halves become normal, and infinities and NaN overflow or
        // stay.
        std::uint32_t bits = rest | sign;
        if (rest < 0x0f800000u) {
            const float scaled = load_bytes<float>(&bits) * 0x1p112f;
            to[i] = scaled;
        } else {
            bits |= 0x7f800000u;
            to[i] = load_bytes<float>(&bits);
        }
    }
}

void widen_bfloat(const std::uint16_t* from, std::size_t count, float* to) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t bits = static_cast<std::uint32_t>(from[i]) << 16;
        to[i] = load_bytes<float>(&bits);
    }
}

void widen_int8(const std::int8_t* codes, float scale, std::size_t count, float* values) {
    for (std::size_t c = 0; c < count; ++c) values[c] = static_cast<float>(codes[c]) * scale;
}
