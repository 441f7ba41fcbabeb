// Sums of 8-bit look-up table entries named by codes, many queries' entries side by side in memory. Entries
// of two bytes of a code, from its two halves, are added in 8 bits, then to sums of 16 bits: even lanes and
// odd ones.

#if defined(__AVX512BW__)
constexpr std::size_t byte_lanes = 64;
#elif defined(__AVX2__)
constexpr std::size_t byte_lanes = 32;
#else
constexpr std::size_t byte_lanes = 16;
#endif

typedef std::uint8_t Bytes32 __attribute__((vector_size(32)));
typedef std::uint8_t Bytes64 __attribute__((vector_size(64)));
typedef std::uint16_t Words16 __attribute__((vector_size(16)));
typedef std::uint16_t Words32 __attribute__((vector_size(32)));
typedef std::uint16_t Words64 __attribute__((vector_size(64)));
typedef std::uint8_t Bytes __attribute__((vector_size(byte_lanes)));

template <std::size_t size>
struct ByteVectors;
template <>
struct ByteVectors<16> {
    typedef Bytes16 Byte;
    typedef Words16 Word;
};
template <>
struct ByteVectors<32> {
    typedef Bytes32 Byte;
    typedef Words32 Word;
};
template <>
struct ByteVectors<64> {
    typedef Bytes64 Byte;
    typedef Words64 Word;
};

/// Bit l is the top bit of byte l.
inline std::uint64_t top_bits(Bytes16 v) {
#if defined(__SSE2__)
    return static_cast<std::uint64_t>(_mm_movemask_epi8((__m128i)v));
#else
    std::uint64_t bits = 0;
    for (std::size_t l = 0; l < 16; ++l) bits |= std::uint64_t{v[l]} >> 7 << l;
    return bits;
#endif
}
#if defined(__AVX2__)
inline std::uint64_t top_bits(Bytes32 v) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8((__m256i)v));
}
#endif
#if defined(__AVX512BW__)
inline std::uint64_t top_bits(Bytes64 v) { return _mm512_movepi8_mask((__m512i)v); }
#endif

/// Sums in 16 bits of bytes.
template <std::size_t size>
struct WordSums {
    typedef typename ByteVectors<size>::Byte Byte;
    typedef typename ByteVectors<size>::Word Word;
    Word all = {}, odd = {};  // all: even + 256 * odd, as far as 16 bits go

    void add(Byte part) {
        all += (Word)part;
        odd += (Word)part >> 8;
    }
    /// Bit l is set where the sum of byte l reaches its bar.
    std::uint64_t reached(Word even_bars, Word odd_bars) const {
        const Word even = all - (odd << 8);
        return top_bits((Byte)(((Word)(even >= even_bars) & 0x00ff) | ((Word)(odd >= odd_bars) & 0xff00)));
    }
};

template <std::size_t size, std::size_t count>
inline std::size_t adc_tile_of(const std::uint8_t* tables, const std::uint16_t* bars,
                               const std::uint8_t* codes, std::size_t stride, std::size_t num_codes,
                               std::size_t code_size, AdcHit* hits) {
    typedef typename ByteVectors<size>::Byte Byte;
    typedef typename ByteVectors<size>::Word Word;
    constexpr std::size_t width = size * count;
    const std::size_t pairs = code_size / 2, half = code_size - pairs;
    std::uint16_t by_parity[2][width / 2];
    for (std::size_t q = 0; q < width; ++q) by_parity[q % 2][q / 2] = bars[q];
    Word even[count], odd[count];
    for (std::size_t v = 0; v < count; ++v) {
        even[v] = load_bytes<Word>(by_parity[0] + v * size / 2);
        odd[v] = load_bytes<Word>(by_parity[1] + v * size / 2);
    }
    std::size_t found = 0;
    for (std::size_t i = 0; i < num_codes; ++i, codes += stride) {
        WordSums<size> sums[count];
        const auto add_pair = [&](std::size_t b, std::size_t first, std::size_t second) {
            const std::uint8_t *one = tables + (b * 256 + first) * width,
                               *other = tables + ((b + half) * 256 + second) * width;
#pragma GCC unroll 4
            for (std::size_t v = 0; v < count; ++v)
                sums[v].add(load_bytes<Byte>(one + v * size) + load_bytes<Byte>(other + v * size));
        };
        std::size_t b = 0;
        for (; b + 4 <= pairs; b += 4) {
            std::uint32_t first, second;
            __builtin_memcpy(&first, codes + b, 4);
            __builtin_memcpy(&second, codes + half + b, 4);
            add_pair(b, first & 255, second & 255);
            add_pair(b + 1, first >> 8 & 255, second >> 8 & 255);
            add_pair(b + 2, first >> 16 & 255, second >> 16 & 255);
            add_pair(b + 3, first >> 24, second >> 24);
        }
        for (; b < pairs; ++b) add_pair(b, codes[b], codes[half + b]);
        if (pairs < half)
            for (std::size_t v = 0; v < count; ++v)
                sums[v].add(load_bytes<Byte>(tables + (pairs * 256 + codes[pairs]) * width + v * size));
        std::uint64_t queries = 0;
#pragma GCC unroll 4
        for (std::size_t v = 0; v < count; ++v) queries |= sums[v].reached(even[v], odd[v]) << v * size % 64;
        if (queries) hits[found++] = {queries, static_cast<std::uint32_t>(i)};
    }
    return found;
}

std::size_t adc_tile(const std::uint8_t* tables, const std::uint16_t* bars, std::size_t width,
                     const std::uint8_t* codes, std::size_t stride, std::size_t count, std::size_t code_size,
                     AdcHit* hits) {
    if (width == 16) return adc_tile_of<16, 1>(tables, bars, codes, stride, count, code_size, hits);
    constexpr std::size_t for32 = byte_lanes < 32 ? byte_lanes : 32;
    if (width == 32)
        return adc_tile_of<for32, 32 / for32>(tables, bars, codes, stride, count, code_size, hits);
    return adc_tile_of<byte_lanes, 64 / byte_lanes>(tables, bars, codes, stride, count, code_size, hits);
}

// Tables side by side, and codes turned: transposed in blocks of 16 x 16 bytes, a block a lane.

/// Lane by lane of 16 bytes: the first, or last, halves of a and b, a byte of each in turn.
inline Bytes interleave_first(Bytes a, Bytes b) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Bytes)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b);
#else
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#endif
}
inline Bytes interleave_last(Bytes a, Bytes b) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Bytes)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b);
#else
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#endif
}

/// Byte c of lane l of v[r] and byte r of lane l of v[c] change places.
inline void transpose_lanes(Bytes (&v)[16]) {
    Bytes w[16];
    const auto shuffle = [](const Bytes(&from)[16], Bytes(&to)[16]) {
#pragma GCC unroll 8
        for (std::size_t r = 0; r < 8; ++r) {
            to[2 * r] = interleave_first(from[r], from[r + 8]);
            to[2 * r + 1] = interleave_last(from[r], from[r + 8]);
        }
    };
    shuffle(v, w), shuffle(w, v), shuffle(v, w), shuffle(w, v);
}

/// The lanes of v at p, p + step ...
inline void store_lanes(std::uint8_t* p, std::size_t step, Bytes v) {
    typedef std::uint64_t Longs __attribute__((vector_size(byte_lanes)));
    const Longs w = (Longs)v;
    store_bytes(p, __builtin_shufflevector(w, w, 0, 1));
#if defined(__AVX2__)
    store_bytes(p + step, __builtin_shufflevector(w, w, 2, 3));
#endif
#if defined(__AVX512BW__)
    store_bytes(p + 2 * step, __builtin_shufflevector(w, w, 4, 5));
    store_bytes(p + 3 * step, __builtin_shufflevector(w, w, 6, 7));
#endif
    static_cast<void>(step);
}

void interleave_bytes(const std::uint8_t* const* rows, std::size_t width, std::size_t count,
                      std::uint8_t* tile) {
    for (std::size_t i = 0; i < count; i += byte_lanes)
        for (std::size_t first = 0; first < width; first += 16) {
            Bytes v[16];
#pragma GCC unroll 16
            for (std::size_t r = 0; r < 16; ++r) v[r] = load_bytes<Bytes>(rows[first + r] + i);
            transpose_lanes(v);
#pragma GCC unroll 16
            for (std::size_t c = 0; c < 16; ++c)
                store_lanes(tile + (i + c) * width + first, 16 * width, v[c]);
        }
}
