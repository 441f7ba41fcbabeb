// Sums of one query's 8-bit look-up table entries over codes in columns: a few columns at a time, whose
// tables stay in registers, are added to sums that stay in the cache.

constexpr std::size_t columns_at_once = 4;
constexpr std::size_t summed_at_once = 2048;  // codes: their sums stay in the L1 beside the columns

#if defined(__AVX2__) || defined(__aarch64__)
/// Adds the shortfalls of `number` columns, the tables from `c` on, to sums that begin with the first;
/// returns how many stay within the limit.
template <std::size_t number>
inline std::size_t add_shortfalls(const ScreenedQuery& query, std::size_t c, const CodeColumns& codes,
                                  std::uint8_t* sums) {
    ByteEntries entries[number];
    const std::uint8_t* columns[number];
#pragma GCC unroll 4
    for (std::size_t n = 0; n < number; ++n) {
        entries[n] = ByteEntries(query.shortfalls + (c + n) * 256);
        columns[n] = codes.columns + query.order[c + n] * codes.pitch;
    }
    const Bytes limit = set_all(query.limit);
    std::size_t left = 0;
    for (std::size_t i = 0; i < codes.count; i += byte_lanes) {
        Bytes sum = c > 0 ? load_bytes<Bytes>(sums + i) : Bytes{};
#pragma GCC unroll 4
        for (std::size_t n = 0; n < number; ++n)
            sum = add_saturated(sum, entries[n](load_bytes<Bytes>(columns[n] + i)));
        store_bytes(sums + i, sum);
        left += static_cast<std::size_t>(__builtin_popcountll(top_bits((Bytes)(sum <= limit))));
    }
    return left;
}

/// Adds the entries of `number` columns to sums that begin with the first; those of every two are added in 8
/// bits.
template <std::size_t number>
inline void add_entries(const std::uint8_t* entries, const std::size_t (&bytes)[number], bool begin,
                        const CodeColumns& codes, WordSums<byte_lanes>* sums) {
    ByteEntries of[number];
    const std::uint8_t* columns[number];
#pragma GCC unroll 4
    for (std::size_t n = 0; n < number; ++n) {
        of[n] = ByteEntries(entries + bytes[n] * 256);
        columns[n] = codes.columns + bytes[n] * codes.pitch;
    }
    for (std::size_t i = 0; i < codes.count; i += byte_lanes) {
        const auto entry = [&](std::size_t n) { return of[n](load_bytes<Bytes>(columns[n] + i)); };
        WordSums<byte_lanes> sum;
        if (!begin) sum = sums[i / byte_lanes];
        if constexpr (number == 1) {
            sum.add(entry(0));
        } else {
#pragma GCC unroll 2
            for (std::size_t n = 0; n < number; n += 2) sum.add(entry(n) + entry(n + 1));
        }
        sums[i / byte_lanes] = sum;
    }
}

/// At most summed_at_once codes, of which the first is number `first`.
inline std::size_t sum_block(const std::uint8_t* entries, std::uint16_t bar, const CodeColumns& codes,
                             std::size_t first, std::uint32_t* rows) {
    WordSums<byte_lanes> sums[summed_at_once / byte_lanes];
    const std::size_t pairs = codes.code_size / 2, half = codes.code_size - pairs;
    std::size_t b = 0;
    for (; b + 2 <= pairs; b += 2)
        add_entries<4>(entries, {b, b + half, b + 1, b + 1 + half}, b == 0, codes, sums);
    for (; b < pairs; ++b) add_entries<2>(entries, {b, b + half}, b == 0, codes, sums);
    if (pairs < half) add_entries<1>(entries, {pairs}, b == 0, codes, sums);
    const auto bars = bar - typename ByteVectors<byte_lanes>::Word{};
    std::size_t found = 0;
    for (std::size_t i = 0; i < codes.count; i += byte_lanes)
        for (std::uint64_t bits = sums[i / byte_lanes].reached(bars, bars); bits; bits &= bits - 1)
            rows[found++] =
                static_cast<std::uint32_t>(first + i) + static_cast<std::uint32_t>(__builtin_ctzll(bits));
    return found;
}
#else
template <std::size_t number>
inline std::size_t add_shortfalls(const ScreenedQuery& query, std::size_t c, const CodeColumns& codes,
                                  std::uint8_t* sums) {
    std::size_t left = 0;
    for (std::size_t i = 0; i < codes.count; ++i) {
        unsigned sum = c > 0 ? sums[i] : 0u;
        for (std::size_t n = c; n < c + number; ++n)
            sum += query.shortfalls[n * 256 + codes.columns[query.order[n] * codes.pitch + i]];
        sums[i] = static_cast<std::uint8_t>(sum < 255 ? sum : 255);
        left += sums[i] <= query.limit;
    }
    return left;
}

inline std::size_t sum_block(const std::uint8_t* entries, std::uint16_t bar, const CodeColumns& codes,
                             std::size_t first, std::uint32_t* rows) {
    std::uint32_t sums[summed_at_once] = {};
    for (std::size_t b = 0; b < codes.code_size; ++b)
        for (std::size_t i = 0; i < codes.count; ++i)
            sums[i] += entries[b * 256 + codes.columns[b * codes.pitch + i]];
    std::size_t found = 0;
    for (std::size_t i = 0; i < codes.count; ++i)
        if (sums[i] >= bar) rows[found++] = static_cast<std::uint32_t>(first + i);
    return found;
}
#endif

std::size_t screen_columns(const ScreenedQuery& query, const CodeColumns& codes, std::size_t few,
                           std::uint8_t* sums, std::uint32_t* rows) {
    std::size_t left = codes.count;
    for (std::size_t c = 0; c < codes.code_size && (c == 0 || left > few); c += columns_at_once) {
        const std::size_t number = codes.code_size - c;
        left = number >= 4   ? add_shortfalls<4>(query, c, codes, sums)
               : number == 3 ? add_shortfalls<3>(query, c, codes, sums)
               : number == 2 ? add_shortfalls<2>(query, c, codes, sums)
                             : add_shortfalls<1>(query, c, codes, sums);
    }
    std::size_t found = 0;
    for (std::size_t i = 0; i < codes.count; i += 16) {
        const auto within = (Bytes16)(load_bytes<Bytes16>(sums + i) <= query.limit - Bytes16{});
        for (std::uint64_t bits = top_bits(within); bits; bits &= bits - 1)
            rows[found++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctzll(bits));
    }
    return found;
}

std::size_t sum_columns(const std::uint8_t* entries, std::uint16_t bar, const CodeColumns& codes,
                        std::uint32_t* rows) {
    std::size_t found = 0;
    for (std::size_t first = 0; first < codes.count; first += summed_at_once) {
        const std::size_t left = codes.count - first;
        const CodeColumns here = {codes.columns + first, codes.pitch,
                                  left < summed_at_once ? left : summed_at_once, codes.code_size};
        found += sum_block(entries, bar, here, first, rows + found);
    }
    return found;
}
