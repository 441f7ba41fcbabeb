// Distances of binary descriptors.

inline std::uint64_t load_word(const std::uint8_t* p) {
    typedef std::uint64_t Unaligned __attribute__((aligned(1), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

inline std::uint32_t popcount(std::uint64_t x) {
#if defined(__POPCNT__) || defined(__aarch64__)
    return static_cast<std::uint32_t>(__builtin_popcountll(x));
#else  // counts in 2, 4, then 8 bits; the product adds the bytes
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return static_cast<std::uint32_t>((x * 0x0101010101010101u) >> 56);
#endif
}

void hamming_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t stride, std::size_t count,
                  std::size_t num_bytes, std::uint32_t* distances) {
    for (std::size_t j = 0; j < count; ++j, rows += stride) {
        std::uint32_t distance = 0;
        std::size_t b = 0;
        for (; b + 8 <= num_bytes; b += 8) distance += popcount(load_word(query + b) ^ load_word(rows + b));
        for (; b < num_bytes; ++b) distance += popcount(static_cast<std::uint64_t>(query[b] ^ rows[b]));
        distances[j] = distance;
    }
}
