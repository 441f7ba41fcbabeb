// Sums of 8-bit look-up table entries named by codes: many queries' entries side by side in memory, or one
// query's in registers. Entries of two bytes of a code, from its two halves, are added in 8 bits, then to
// sums of 16 bits: even lanes and odd ones.

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

// One query. Codes are turned, so that a vector holds one byte of each of byte_lanes codes.

inline Bytes set_all(std::uint8_t x) { return x - Bytes{}; }

#if defined(__AVX2__) || defined(__aarch64__)
#define HCBIR_ADC_SHUFFLES

/// 16 entries, in every lane of 16 bytes.
inline Bytes load_entries(const std::uint8_t* p) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_maskz_broadcast_i32x4(0xffff, (__m128i)load_bytes<Bytes16>(p));
#elif defined(__AVX2__)
    return (Bytes)_mm256_broadcastsi128_si256((__m128i)load_bytes<Bytes16>(p));
#else
    return load_bytes<Bytes16>(p);
#endif
}

/// entries[number], or 0 where the number's top bit is set; of numbers below 128 the low four bits count.
inline Bytes look_up(Bytes entries, Bytes numbers) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_shuffle_epi8((__m512i)entries, (__m512i)numbers);
#elif defined(__AVX2__)
    return (Bytes)_mm256_shuffle_epi8((__m256i)entries, (__m256i)numbers);
#else
    return (Bytes)vqtbl1q_u8((uint8x16_t)entries, (uint8x16_t)(numbers & 0x8f));
#endif
}

/// a + b, or 255 where that is more.
inline Bytes add_saturated(Bytes a, Bytes b) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_adds_epu8((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Bytes)_mm256_adds_epu8((__m256i)a, (__m256i)b);
#else
    return (Bytes)vqaddq_u8((uint8x16_t)a, (uint8x16_t)b);
#endif
}

/// a, or b where the top bit of `choice` is set.
inline Bytes choose(Bytes a, Bytes b, Bytes choice) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_mask_blend_epi8(_mm512_movepi8_mask((__m512i)choice), (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Bytes)_mm256_blendv_epi8((__m256i)a, (__m256i)b, (__m256i)choice);
#else
    return choice >= 128 ? b : a;
#endif
}

/// A table of 256 entries a byte.
struct ByteEntries {
    const std::uint8_t* tables;

    Bytes operator()(std::size_t b, Bytes code) const {
        const std::uint8_t* table = tables + b * 256;
#if defined(__AVX512VBMI__)
        const __m512i low = _mm512_permutex2var_epi8(_mm512_loadu_si512(table), (__m512i)code,
                                                     _mm512_loadu_si512(table + 64));
        const __m512i high = _mm512_permutex2var_epi8(_mm512_loadu_si512(table + 128), (__m512i)code,
                                                      _mm512_loadu_si512(table + 192));
        return choose((Bytes)low, (Bytes)high, code);
#elif defined(__aarch64__)
        uint8x16_t found = {};
        for (std::size_t part = 0; part < 4; ++part)  // numbers outside a part leave what was found
            found =
                vqtbx4q_u8(found, vld1q_u8_x4(table + part * 64), (uint8x16_t)(code - set_all(part * 64)));
        return (Bytes)found;
#else
        // A shuffle finds an entry among 16, and nothing where a number's top bit is set: so it is for one of
        // the two sets made of bit 4. Bits 5 to 7 choose among what pairs of sets found.
        const Bytes low = code & 0x1f;
        const Bytes even = low + 0x70, odd = (low ^ 0x10) + 0x70;
        const auto found = [&](std::size_t pair) {
            const std::uint8_t* entries = table + pair * 32;
            return look_up(load_entries(entries), even) | look_up(load_entries(entries + 16), odd);
        };
        const Bytes bit6 = code + code, bit5 = bit6 + bit6;
        const auto chosen = [&](std::size_t half) {
            return choose(choose(found(half), found(half + 1), bit5),
                          choose(found(half + 2), found(half + 3), bit5), bit6);
        };
        return choose(chosen(0), chosen(4), code);
#endif
    }
};

/// 16 bytes from each of the places p, p + step ... as lanes.
inline Bytes gather_lanes(const std::uint8_t* p, std::size_t step) {
#if defined(__AVX2__)
    typedef std::uint64_t Longs2 __attribute__((vector_size(16)));
    const auto pair = [&](std::size_t i) {
        return __builtin_shufflevector(load_bytes<Longs2>(p + i * step),
                                       load_bytes<Longs2>(p + (i + 1) * step), 0, 1, 2, 3);
    };
#if defined(__AVX512BW__)
    return (Bytes)__builtin_shufflevector(pair(0), pair(2), 0, 1, 2, 3, 4, 5, 6, 7);
#else
    return (Bytes)pair(0);
#endif
#else
    static_cast<void>(step);
    return load_bytes<Bytes16>(p);
#endif
}

/// Byte b < 16 of row r at columns[b * byte_lanes + r]; of each row 16 bytes are read.
inline void turn(const std::uint8_t* rows, std::size_t stride, std::uint8_t* columns) {
    Bytes v[16];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < 16; ++r) v[r] = gather_lanes(rows + r * stride, 16 * stride);
    transpose_lanes(v);
#pragma GCC unroll 16
    for (std::size_t c = 0; c < 16; ++c) store_bytes(columns + c * byte_lanes, v[c]);
}

/// Calls take(b, v) for each byte b of byte_lanes codes, where v has it of each; what stands behind `end`
/// is not read.
template <class Take>
inline void for_columns(const std::uint8_t* codes, std::size_t stride, std::size_t code_size,
                        const std::uint8_t* end, Take take) {
    alignas(64) std::uint8_t columns[16 * byte_lanes];
    alignas(64) std::uint8_t ends[16 * byte_lanes];
    for (std::size_t first = 0; first < code_size; first += 16) {
        const std::uint8_t* part = codes + first;
        const std::size_t width = code_size - first < 16 ? code_size - first : 16;
        if (static_cast<std::size_t>(end - part) >= (byte_lanes - 1) * stride + 16) {
            turn(part, stride, columns);
        } else {
            for (std::size_t r = 0; r < byte_lanes; ++r)
                for (std::size_t b = 0; b < width; ++b) ends[r * 16 + b] = part[r * stride + b];
            turn(ends, 16, columns);
        }
#pragma GCC unroll 1
        for (std::size_t b = 0; b < width; ++b) take(first + b, load_bytes<Bytes>(columns + b * byte_lanes));
    }
}

/// Codes in whole vectors. Returns how many codes were looked at.
inline std::size_t scan_vectors(ByteEntries entries, std::uint16_t bar, const std::uint8_t* codes,
                                std::size_t stride, std::size_t count, std::size_t code_size,
                                std::uint32_t* rows, std::size_t& found) {
    const std::uint8_t* end = codes + (count - 1) * stride + code_size;
    const auto bars = bar - typename ByteVectors<byte_lanes>::Word{};
    std::size_t i = 0;
    for (; i + byte_lanes <= count; i += byte_lanes) {
        WordSums<byte_lanes> sums;
        for_columns(codes + i * stride, stride, code_size, end,
                    [&](std::size_t b, Bytes code) { sums.add(entries(b, code)); });
        for (std::uint64_t bits = sums.reached(bars, bars); bits; bits &= bits - 1)
            rows[found++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctzll(bits));
    }
    return i;
}
#endif

/// Codes from `first` on, one by one.
inline std::size_t scan_rest(const std::uint8_t* tables, std::uint16_t bar, const std::uint8_t* codes,
                             std::size_t stride, std::size_t first, std::size_t count, std::size_t code_size,
                             std::uint32_t* rows, std::size_t found) {
    for (std::size_t i = first; i < count; ++i) {
        const std::uint8_t* code = codes + i * stride;
        std::uint32_t sum = 0;
        for (std::size_t b = 0; b < code_size; ++b) sum += tables[b * 256 + code[b]];
        if (sum >= bar) rows[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}

std::size_t adc_row(const std::uint8_t* tables, std::uint16_t bar, const std::uint8_t* codes,
                    std::size_t stride, std::size_t count, std::size_t code_size, std::uint32_t* rows) {
    std::size_t found = 0, done = 0;
#if defined(HCBIR_ADC_SHUFFLES)
    if (count > 0)
        done = scan_vectors(ByteEntries{tables}, bar, codes, stride, count, code_size, rows, found);
#endif
    return scan_rest(tables, bar, codes, stride, done, count, code_size, rows, found);
}
