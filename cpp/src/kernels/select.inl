// Which scores of a tile can still matter.

/// Writes first + l for each bit l that is set, and returns how many; may write as many as there are lanes.
inline std::size_t put_lanes(unsigned bits, std::uint32_t first, std::uint32_t* places) {
#if defined(__AVX512F__)
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i all = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)), lane);
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), all));
    return static_cast<std::size_t>(__builtin_popcount(bits));
#elif defined(__AVX2__)
    const __m256i order =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(compaction.lanes_of[bits])));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(places),
                        _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(first)), order));
    return static_cast<std::size_t>(__builtin_popcount(bits));
#else
    std::size_t n = 0;
    for (unsigned rest = bits; rest; rest &= rest - 1)
        places[n++] = first + static_cast<std::uint32_t>(__builtin_ctz(rest));
    return n;
#endif
}

std::size_t select(const float* keys, std::size_t count, float threshold, std::uint32_t* selected) {
    std::size_t n = 0, j = 0;
    const Vec bound = broadcast(threshold);
    for (; j + lanes <= count; j += lanes)
        if (const unsigned bits = not_less(load<Vec>(keys + j), bound))
            n += put_lanes(bits, static_cast<std::uint32_t>(j), selected + n);
    for (; j < count; ++j)
        if (!(keys[j] < threshold)) selected[n++] = static_cast<std::uint32_t>(j);
    return n;
}
