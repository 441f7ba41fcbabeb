// Sums of 8-bit look-up table entries named by the halves of a code's bytes, 16 entries a table. Codes are
// turned once for all queries: then a shuffle finds the entries of as many codes as a vector has bytes.

void turn_nibbles(const std::uint8_t* codes, std::size_t stride, std::size_t count, std::size_t code_size,
                  std::uint8_t* columns) {
    for (std::size_t first = 0; first < count;
         first += nibble_block, columns += 2 * code_size * nibble_block) {
        const std::size_t here = count - first < nibble_block ? count - first : nibble_block;
        const std::uint8_t* block = codes + first * stride;
        std::size_t done = 0;
#if defined(__AVX2__) || defined(__aarch64__)
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

/// Takes hits of one query in a block.
struct NibbleHits {
    NibbleHit* hits;
    std::uint32_t query, first;
    std::size_t count, found;  // codes from `first` on

    /// A bit for each of the codes from i on, as many as count allows.
    void add(std::size_t i, std::uint64_t bits) {
        if (count < i + 64) bits &= i < count ? (std::uint64_t{1} << (count - i)) - 1 : 0;
        for (; bits; bits &= bits - 1)
            hits[found++] = {query, first + static_cast<std::uint32_t>(i) +
                                        static_cast<std::uint32_t>(__builtin_ctzll(bits))};
    }
};

#if defined(__AVX2__) || defined(__aarch64__)
constexpr std::size_t nibble_vectors = nibble_block / byte_lanes;

/// Of vectors first .. first + count, of which `left` may matter, the codes whose entries sum to the bar.
template <std::size_t count>
inline void add_reached(const ScreenedQuery& query, const std::uint8_t* columns, std::size_t code_size,
                        std::size_t first, std::uint64_t left, NibbleHits& hits) {
    const std::size_t pairs = code_size / 2, half = code_size - pairs;
    const auto bars = query.bar - typename ByteVectors<byte_lanes>::Word{};
    WordSums<byte_lanes> sums[count];
    columns += first * byte_lanes;
    const auto entries_of = [&](std::size_t column) { return load_entries(query.entries + column * 16); };
    const auto found = [&](const Bytes& entries, std::size_t column, std::size_t v) {
        return look_up(entries, load_bytes<Bytes>(columns + column * nibble_block + v * byte_lanes));
    };
    // Column after column, not unrolled: else GCC spreads them over more vectors than there are registers.
    const auto add_byte = [&](std::size_t b, Bytes(&part)[count]) {
        if (count == 1) {
            part[0] += found(entries_of(2 * b), 2 * b, 0) + found(entries_of(2 * b + 1), 2 * b + 1, 0);
            return;
        }
#pragma GCC unroll 1
        for (std::size_t column = 2 * b; column < 2 * b + 2; ++column) {
            const Bytes entries = entries_of(column);
#pragma GCC unroll 8
            for (std::size_t v = 0; v < count; ++v) part[v] += found(entries, column, v);
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
        hits.add((first + v) * byte_lanes, sums[v].reached(bars, bars) & left);
}

/// The same of what shortfalls leave.
inline void add_left(ScreenedQuery& query, const std::uint8_t* columns, std::size_t code_size,
                     NibbleHits& hits) {
    const auto add = [&](Bytes& sum, const Bytes& shortfalls, const std::uint8_t* codes) {
        sum = add_saturated(sum, look_up(shortfalls, load_bytes<Bytes>(codes)));
    };
    Bytes sums[nibble_vectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < nibble_vectors; ++v) sums[v] = Bytes{};
#pragma GCC unroll 1
    for (std::size_t c = 0; c < query.head; ++c) {
        const Bytes shortfalls = load_entries(query.shortfalls + 16 * c);
        const std::uint8_t* codes = columns + query.order[c] * nibble_block;
#pragma GCC unroll 16
        for (std::size_t v = 0; v < nibble_vectors; ++v) add(sums[v], shortfalls, codes + v * byte_lanes);
    }
    Bytes least = sums[0];
#pragma GCC unroll 16
    for (std::size_t v = 1; v < nibble_vectors; ++v) least = sums[v] < least ? sums[v] : least;
    const Bytes limit = set_all(query.limit);
    if (top_bits((Bytes)(least <= limit)) == 0) return;
    Bytes kept[nibble_vectors];  // so that the sums stay in registers
#pragma GCC unroll 16
    for (std::size_t v = 0; v < nibble_vectors; ++v) kept[v] = sums[v];
    for (std::size_t v = 0; v < nibble_vectors; ++v) {
        Bytes sum = kept[v];
        if (top_bits((Bytes)(sum <= limit)) == 0) continue;
        query.left += byte_lanes;
        for (std::size_t c = query.head; c < 2 * code_size; ++c)
            add(sum, load_entries(query.shortfalls + 16 * c),
                columns + query.order[c] * nibble_block + v * byte_lanes);
        const std::uint64_t left = top_bits((Bytes)(sum <= limit));
        if (left) add_reached<1>(query, columns, code_size, v, left, hits);
    }
}

inline void add_hits(ScreenedQuery& query, const std::uint8_t* columns, std::size_t code_size,
                     NibbleHits& hits) {
    if (query.shortfalls) return add_left(query, columns, code_size, hits);
    constexpr std::size_t together = nibble_vectors < 4 ? nibble_vectors : 4;
    for (std::size_t v = 0; v < nibble_vectors && v * byte_lanes < hits.count; v += together)
        add_reached<together>(query, columns, code_size, v, ~std::uint64_t{0}, hits);
}
#else
inline void add_hits(ScreenedQuery& query, const std::uint8_t* columns, std::size_t code_size,
                     NibbleHits& hits) {
    for (std::size_t i = 0; i < hits.count; ++i) {
        unsigned sum = 0, shortfall = 0;
        for (std::size_t c = 0; query.shortfalls && c < 2 * code_size; ++c)
            shortfall += query.shortfalls[16 * c + columns[query.order[c] * nibble_block + i]];
        if (shortfall > query.limit) continue;
        for (std::size_t c = 0; c < 2 * code_size; ++c)
            sum += query.entries[16 * c + columns[c * nibble_block + i]];
        hits.add(i, sum >= query.bar);
    }
}
#endif

std::size_t adc_nibbles(ScreenedQuery* queries, std::size_t num_queries, const std::uint8_t* columns,
                        std::size_t count, std::size_t code_size, NibbleHit* hits) {
    NibbleHits found = {hits, 0, 0, 0, 0};
    for (; found.first < count; columns += 2 * code_size * nibble_block, found.first += nibble_block) {
        const std::size_t left = count - found.first;
        found.count = left < nibble_block ? left : nibble_block;
        for (found.query = 0; found.query < num_queries; ++found.query)
            add_hits(queries[found.query], columns, code_size, found);
    }
    return found.found;
}
