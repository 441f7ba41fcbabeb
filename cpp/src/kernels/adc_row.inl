// Sums of one query's 8-bit look-up table entries, in registers: codes are turned, so that a vector holds one
// byte of each of byte_lanes codes.

inline Bytes set_all(std::uint8_t x) { return x - Bytes{}; }

#if defined(__AVX2__) || defined(__aarch64__)

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

/// A table of 256 entries: with VBMI in registers.
class ByteEntries {
public:
    ByteEntries() = default;
#if defined(__AVX512VBMI__)
    explicit ByteEntries(const std::uint8_t* table)
        : parts_{_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64), _mm512_loadu_si512(table + 128),
                 _mm512_loadu_si512(table + 192)} {}

    Bytes operator()(Bytes code) const {
        const __m512i low = _mm512_permutex2var_epi8(parts_[0], (__m512i)code, parts_[1]);
        const __m512i high = _mm512_permutex2var_epi8(parts_[2], (__m512i)code, parts_[3]);
        return choose((Bytes)low, (Bytes)high, code);
    }

private:
    __m512i parts_[4];
#else
    explicit ByteEntries(const std::uint8_t* table) : table_(table) {}

    Bytes operator()(Bytes code) const {
#if defined(__aarch64__)
        uint8x16_t found = {};
        for (std::size_t part = 0; part < 4; ++part)  // numbers outside a part leave what was found
            found =
                vqtbx4q_u8(found, vld1q_u8_x4(table_ + part * 64), (uint8x16_t)(code - set_all(part * 64)));
        return (Bytes)found;
#else
        // A shuffle finds an entry among 16, and nothing where a number's top bit is set: so it is for one of
        // the two sets made of bit 4. Bits 5 to 7 choose among what pairs of sets found.
        const Bytes low = code & 0x1f;
        const Bytes even = low + 0x70, odd = (low ^ 0x10) + 0x70;
        const auto found = [&](std::size_t pair) {
            const std::uint8_t* entries = table_ + pair * 32;
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

private:
    const std::uint8_t* table_;
#endif
};

/// 16 bytes from each of the places p, p + step ... as lanes. By intrinsics: GCC 12 makes shuffles of the
/// same in vector extensions.
inline Bytes gather_lanes(const std::uint8_t* p, std::size_t step) {
#if defined(__AVX2__)
    typedef std::uint64_t Longs4 __attribute__((vector_size(32)));
    const auto pair = [&](std::size_t i) {
        const auto first = (__m128i)load_bytes<Bytes16>(p + i * step),
                   second = (__m128i)load_bytes<Bytes16>(p + (i + 1) * step);
        return (Longs4)_mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
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

/// Byte b < 16 of byte_lanes rows, of which `width` are there, as turn() does; what stands behind `end` is
/// not read.
inline void turn_within(const std::uint8_t* rows, std::size_t stride, std::size_t width,
                        const std::uint8_t* end, std::uint8_t* columns) {
    if (static_cast<std::size_t>(end - rows) >= (byte_lanes - 1) * stride + 16)
        return turn(rows, stride, columns);
    alignas(64) std::uint8_t ends[16 * byte_lanes];
    for (std::size_t r = 0; r < byte_lanes; ++r)
        for (std::size_t b = 0; b < width; ++b) ends[r * 16 + b] = rows[r * stride + b];
    turn(ends, 16, columns);
}

/// Calls take(b, v) for each byte b of byte_lanes codes, where v has it of each; what stands behind `end`
/// is not read.
template <class Take>
inline void for_columns(const std::uint8_t* codes, std::size_t stride, std::size_t code_size,
                        const std::uint8_t* end, Take take) {
    alignas(64) std::uint8_t columns[16 * byte_lanes];
    for (std::size_t first = 0; first < code_size; first += 16) {
        const std::size_t width = code_size - first < 16 ? code_size - first : 16;
        turn_within(codes + first, stride, width, end, columns);
#pragma GCC unroll 1
        for (std::size_t b = 0; b < width; ++b) take(first + b, load_bytes<Bytes>(columns + b * byte_lanes));
    }
}

/// Codes in whole vectors. Returns how many codes were looked at.
inline std::size_t scan_vectors(const std::uint8_t* entries, std::uint16_t bar, const std::uint8_t* codes,
                                std::size_t stride, std::size_t count, std::size_t code_size,
                                std::uint32_t* rows, std::size_t& found) {
    const std::uint8_t* end = codes + (count - 1) * stride + code_size;
    const auto bars = bar - typename ByteVectors<byte_lanes>::Word{};
    std::size_t i = 0;
    for (; i + byte_lanes <= count; i += byte_lanes) {
        WordSums<byte_lanes> sums;
        for_columns(codes + i * stride, stride, code_size, end,
                    [&](std::size_t b, Bytes code) { sums.add(ByteEntries(entries + b * 256)(code)); });
        for (std::uint64_t bits = sums.reached(bars, bars); bits; bits &= bits - 1)
            rows[found++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctzll(bits));
    }
    return i;
}
#endif

inline bool reaches(const ScreenedQuery& query, const std::uint8_t* code, std::size_t code_size) {
    std::uint32_t sum = 0;
    for (std::size_t b = 0; b < code_size; ++b) sum += query.entries[b * 256 + code[b]];
    return sum >= query.bar;
}

#if defined(__AVX2__) || defined(__aarch64__)
constexpr std::size_t bytes_ahead = 4096;  // are fetched: some blocks of codes

/// The same of what the head's shortfalls leave, which are few: so their entries are looked up one by one.
inline std::size_t screen_vectors(ScreenedQuery& query, const std::uint8_t* codes, std::size_t stride,
                                  std::size_t count, std::size_t code_size, std::uint8_t* columns,
                                  std::uint32_t* rows, std::size_t& found) {
    const std::uint8_t* end = codes + (count - 1) * stride + code_size;
    const Bytes limit = set_all(query.limit);
    std::size_t i = 0;
    for (; i + byte_lanes <= count; i += byte_lanes) {
        const std::uint8_t* block = codes + i * stride;
        for (std::size_t ahead = 0; ahead < byte_lanes * stride; ahead += 64)
            __builtin_prefetch(block + bytes_ahead + ahead);
        for (std::size_t b = 0; b < code_size; b += 16)
            turn_within(block + b, stride, code_size - b < 16 ? code_size - b : 16, end,
                        columns + b * byte_lanes);
        Bytes sums = {};
#pragma GCC unroll 1
        for (std::size_t c = 0; c < query.head; ++c)
            sums = add_saturated(sums, ByteEntries(query.shortfalls + c * 256)(
                                           load_bytes<Bytes>(columns + query.order[c] * byte_lanes)));
        for (std::uint64_t bits = top_bits((Bytes)(sums <= limit)); bits; bits &= bits - 1) {
            const auto r = static_cast<std::size_t>(__builtin_ctzll(bits));
            ++query.left;
            if (reaches(query, block + r * stride, code_size))
                rows[found++] = static_cast<std::uint32_t>(i + r);
        }
    }
    return i;
}
#endif

/// Codes from `first` on, one by one.
inline std::size_t scan_rest(ScreenedQuery& query, const std::uint8_t* codes, std::size_t stride,
                             std::size_t first, std::size_t count, std::size_t code_size, std::uint32_t* rows,
                             std::size_t found) {
    for (std::size_t i = first; i < count; ++i) {
        const std::uint8_t* code = codes + i * stride;
        if (query.shortfalls) {
            std::uint32_t shortfall = 0;
            for (std::size_t c = 0; c < query.head; ++c)
                shortfall += query.shortfalls[c * 256 + code[query.order[c]]];
            if (shortfall > query.limit) continue;
            ++query.left;
        }
        if (reaches(query, code, code_size)) rows[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}

std::size_t adc_row(ScreenedQuery& query, const std::uint8_t* codes, std::size_t stride, std::size_t count,
                    std::size_t code_size, std::uint8_t* columns, std::uint32_t* rows) {
    std::size_t found = 0, done = 0;
#if defined(__AVX2__) || defined(__aarch64__)
    if (count > 0 && query.shortfalls)
        done = screen_vectors(query, codes, stride, count, code_size, columns, rows, found);
    else if (count > 0)
        done = scan_vectors(query.entries, query.bar, codes, stride, count, code_size, rows, found);
#endif
    static_cast<void>(columns);
    return scan_rest(query, codes, stride, done, count, code_size, rows, found);
}
