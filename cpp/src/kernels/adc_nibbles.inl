// Sums of 8-bit look-up table entries named by the halves of a code's bytes, 16 entries a table. Codes are
// turned once for all queries: then a shuffle finds the entries of as many codes as a vector has bytes.

void turn_nibbles(const std::uint8_t* codes, std::size_t stride, std::size_t count, std::size_t code_size,
                  std::uint8_t* columns) {
    for (std::size_t first = 0; first < count;
         first += nibble_block, columns += 2 * code_size * nibble_block) {
        const std::size_t here = count - first < nibble_block ? count - first : nibble_block;
        const std::uint8_t* block = codes + first * stride;
        std::size_t done = 0;
#if defined(HCBIR_ADC_SHUFFLES)
        for (; done + byte_lanes <= here; done += byte_lanes)
            for_columns(block + done * stride, stride, code_size, codes + (count - 1) * stride + code_size,
                        [&](std::size_t b, Bytes code) {
                            typedef std::uint16_t Words __attribute__((vector_size(byte_lanes)));
                            std::uint8_t* column = columns + 2 * b * nibble_block + done;
                            store_bytes(column, code & 0x0f);
                            store_bytes(column + nibble_block, (Bytes)((Words)code >> 4) & 0x0f);
                        });
#endif
        for (std::size_t i = done; i < nibble_block; ++i)
            for (std::size_t b = 0; b < code_size; ++b) {
                const unsigned code = i < here ? block[i * stride + b] : 0u;
                columns[2 * b * nibble_block + i] = static_cast<std::uint8_t>(code & 15);
                columns[(2 * b + 1) * nibble_block + i] = static_cast<std::uint8_t>(code >> 4);
            }
    }
}

#if defined(HCBIR_ADC_SHUFFLES)
/// A bit for each of a block's codes whose sum reaches the bar.
inline void codes_reached(const std::uint8_t* nibbles, std::uint16_t bar, const std::uint8_t* columns,
                          std::size_t code_size, std::uint64_t (&reached)[nibble_block / 64]) {
    constexpr std::size_t count = nibble_block / byte_lanes;
    const std::size_t pairs = code_size / 2, half = code_size - pairs;
    const auto bars = bar - typename ByteVectors<byte_lanes>::Word{};
    WordSums<byte_lanes> sums[count];
    // Column after column, not unrolled: else GCC spreads them over more vectors than there are registers.
    const auto add_byte = [&](std::size_t b, Bytes(&part)[count]) {
#pragma GCC unroll 1
        for (std::size_t column = 2 * b; column < 2 * b + 2; ++column) {
            const Bytes entries = load_entries(nibbles + column * 16);
#pragma GCC unroll 8
            for (std::size_t v = 0; v < count; ++v)
                part[v] +=
                    look_up(entries, load_bytes<Bytes>(columns + column * nibble_block + v * byte_lanes));
        }
    };
    for (std::size_t b = 0; b < half; ++b) {
        Bytes part[count] = {};
        add_byte(b, part);
        if (b < pairs) add_byte(b + half, part);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < count; ++v) sums[v].add(part[v]);
    }
#pragma GCC unroll 8
    for (std::size_t v = 0; v < count; ++v)
        reached[v * byte_lanes / 64] |= sums[v].reached(bars, bars) << v * byte_lanes % 64;
}
#else
inline void codes_reached(const std::uint8_t* nibbles, std::uint16_t bar, const std::uint8_t* columns,
                          std::size_t code_size, std::uint64_t (&reached)[nibble_block / 64]) {
    std::uint16_t sums[nibble_block] = {};
    for (std::size_t column = 0; column < 2 * code_size; ++column)
        for (std::size_t i = 0; i < nibble_block; ++i)
            sums[i] += nibbles[column * 16 + columns[column * nibble_block + i]];
    for (std::size_t i = 0; i < nibble_block; ++i) reached[i / 64] |= std::uint64_t{sums[i] >= bar} << i % 64;
}
#endif

std::size_t adc_nibbles(const std::uint8_t* nibbles, std::uint16_t bar, const std::uint8_t* columns,
                        std::size_t count, std::size_t code_size, std::uint32_t* rows) {
    std::size_t found = 0;
    for (std::size_t first = 0; first < count;
         first += nibble_block, columns += 2 * code_size * nibble_block) {
        std::uint64_t reached[nibble_block / 64] = {};
        codes_reached(nibbles, bar, columns, code_size, reached);
        for (std::size_t w = 0; w < nibble_block / 64 && first + w * 64 < count; ++w) {
            const std::size_t left = count - (first + w * 64);
            std::uint64_t bits = left < 64 ? reached[w] & ((std::uint64_t{1} << left) - 1) : reached[w];
            for (; bits; bits &= bits - 1)
                rows[found++] = static_cast<std::uint32_t>(first + w * 64) +
                                static_cast<std::uint32_t>(__builtin_ctzll(bits));
        }
    }
    return found;
}
