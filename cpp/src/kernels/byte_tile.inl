// Which rows of a panel of bytes may reach the bars of a tile of queries.

/// A vector of bytes as floats.
inline Vec load_small(const std::uint8_t* p) {
#if defined(__AVX512F__)
    const auto values = (VecI)_mm512_maskz_cvtepu8_epi32(0xffff, (__m128i)load_bytes<Bytes16>(p));
#elif defined(__AVX2__)
    const auto values = (VecI)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#else
    VecI values = {};
    for (std::size_t l = 0; l < lanes; ++l) values[l] = p[l];
#endif
    return __builtin_convertvector(values, Vec);
}

/// What products must reach, of a tile's queries in one panel: those of all columns; and those of the head,
/// with `rest` for each unit of what is known of the row's tail.
struct ByteBars {
    alignas(64) std::int32_t whole[16];
    alignas(64) float head[16];
    alignas(64) float rest[16];
};

/// At most the least products that reach the bar. Float arithmetic errs by less than size / 2^20 + 2; where
/// it settles nothing (infinities, NaN), everything passes.
inline void byte_bars(const ByteQueries& queries, const BytePanel& panel, ByteBars& bars) {
    const Vec lowest = broadcast(-0x1p31f), highest = broadcast(2147483520.0f),
              offset = broadcast(panel.offset);
    const float finer = static_cast<float>(1 << queries.tail_shift);
    for (std::size_t i = 0; i < 16; i += lanes) {
        const Vec scale = load<Vec>(queries.multiplier + i) * panel.multiplier;
        const Vec bar = load<Vec>(queries.bar + i);
        const Vec error =
            load<Vec>(queries.residual + i) * panel.length + load<Vec>(queries.length + i) * panel.residual;
        const Vec rest = load<Vec>(queries.tail + i) * panel.tail;
        const Vec size = (magnitude(bar) + magnitude(offset)) * scale + error;
        const Vec least = (bar - offset) * scale - error - size * 0x1p-20f - 3.0f;
        const Vec before = least - (size + rest) * 0x1p-20f - 1.0f;
        const Vec in_tail = least * finer;
        const Vec known = size < 1e30f ? (in_tail < lowest ? lowest : in_tail) : lowest;
        const Vec known_before = size < 1e30f ? before : broadcast(-__builtin_inff());
        store_bytes(bars.whole + i, __builtin_convertvector(known < highest ? known : highest, VecI));
        store(bars.head + i, known_before);
        store(bars.rest + i, rest * ((1 + 0x1p-20f) / 255));
    }
}

/// Whether some sum reaches its query's bar.
template <std::size_t height, std::size_t width>
inline bool any_reaches(const VecI (&sums)[height][width], const std::int32_t* bars) {
    VecI below = VecI{} - 1;
#pragma GCC unroll 12
    for (std::size_t i = 0; i < height; ++i) {
        const VecI bar = bars[i] - VecI{};
#pragma GCC unroll 4
        for (std::size_t w = 0; w < width; ++w) below &= sums[i][w] < bar;
    }
    return not_less(below, VecI{}) != 0;
}

/// Whether some sum of the head may reach its query's bar with what the rows' tails allow.
template <std::size_t height, std::size_t width>
inline bool any_may_reach(const VecI (&sums)[height][width], const std::uint8_t* tails, const ByteBars& bars,
                          std::size_t first) {
    Vec tail[width];
    for (std::size_t w = 0; w < width; ++w) tail[w] = load_small(tails + w * lanes);
    VecMask below = VecMask{} - 1;
#pragma GCC unroll 12
    for (std::size_t i = 0; i < height; ++i) {
        const Vec bar = broadcast(bars.head[first + i]), rest = broadcast(bars.rest[first + i]);
#pragma GCC unroll 4
        for (std::size_t w = 0; w < width; ++w)
            below &= __builtin_convertvector(sums[i][w], Vec) + rest * tail[w] < bar;
    }
    return not_less((VecI)below, VecI{}) != 0;
}

/// Of which queries some sum of the head may reach the bar: a bit each.
template <std::size_t height, std::size_t width>
inline std::uint32_t open_queries(const VecI (&sums)[height][width], const std::uint8_t* tails,
                                  const ByteBars& bars, std::size_t first) {
    std::uint32_t open = 0;
#pragma GCC unroll 12
    for (std::size_t i = 0; i < height; ++i) {
        VecI query[1][width];
#pragma GCC unroll 4
        for (std::size_t w = 0; w < width; ++w) query[0][w] = sums[i][w];
        open |= std::uint32_t{any_may_reach(query, tails, bars, first + i)} << i;
    }
    return open;
}

/// Adds the products of the tail to those of the head, for queries first .. first + height - 1.
template <std::size_t height, std::size_t width>
inline void add_tail(const ByteQueries& queries, std::size_t first, const std::uint8_t* rows,
                     std::size_t quads, VecI (&sums)[height][width]) {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < height; ++i)
#pragma GCC unroll 4
        for (std::size_t w = 0; w < width; ++w) sums[i][w] <<= queries.tail_shift;
    add_products<height, width>(queries, first, rows, queries.head, quads, sums);
}

/// Notes which of the rows from `row` on reach the query's bar; returns the query's bit if any does.
template <std::size_t width>
inline std::uint32_t note_hits(const VecI (&sums)[width], std::size_t query, std::size_t row,
                               const ByteBars& bars, ByteHits& hits) {
    const VecI bar = bars.whole[query] - VecI{};
    std::uint32_t passed = 0;
    for (std::size_t w = 0; w < width; ++w) passed |= not_less(sums[w], bar) << w * lanes;
    if (passed == 0) return 0;
    hits.rows[query] |= passed << row;
    std::int32_t* products = hits.products + query * byte_panel_rows + row;
    for (std::size_t w = 0; w < width; ++w) store_bytes(products + w * lanes, sums[w]);
    return 1u << query;
}

/// Queries first .. first + height - 1 of the tile against all rows of the panel.
template <std::size_t height, std::size_t width = 2>
inline std::uint32_t byte_strip(const ByteQueries& queries, std::size_t first, const PanelCodes& rows,
                                std::size_t quads, const ByteBars& bars, ByteHits& hits) {
    constexpr int few = height / 3;  // so many tails are faster one by one
    std::uint32_t found = 0;
#pragma GCC unroll 1
    for (std::size_t v = 0; v < panel_vectors; v += width) {
        const std::uint8_t *tail = rows.tail + v * sizeof(VecI),
                           *tail_lengths = rows.head + queries.head * panel_bytes + v * lanes;
        VecI sums[height][width] = {};
        add_products<height, width>(queries, first, rows.head + v * sizeof(VecI), 0, queries.head, sums);
        if (queries.may_leave) {
            if (!any_may_reach(sums, tail_lengths, bars, first)) {
                ++hits.num_left;
                continue;
            }
            if (few > 0) {
                std::uint32_t open = open_queries(sums, tail_lengths, bars, first);
                std::uint32_t more = open;
                for (int i = 0; i < few; ++i) more &= more - 1;
                if (more == 0) {
                    ++hits.num_left;
                    VecI heads[height][width];  // so that sums stay in registers
#pragma GCC unroll 12
                    for (std::size_t i = 0; i < height; ++i)
#pragma GCC unroll 4
                        for (std::size_t w = 0; w < width; ++w) heads[i][w] = sums[i][w];
                    for (; open; open &= open - 1) {
                        const auto i = static_cast<std::size_t>(__builtin_ctz(open));
                        VecI query[1][width];
                        for (std::size_t w = 0; w < width; ++w) query[0][w] = heads[i][w];
                        add_tail(queries, first + i, tail, quads, query);
                        found |= note_hits(query[0], first + i, v * lanes, bars, hits);
                    }
                    continue;
                }
            }
        }
        if (queries.head < quads) add_tail(queries, first, tail, quads, sums);
        if (!any_reaches(sums, bars.whole + first)) continue;
        for (std::size_t i = 0; i < height; ++i)
            found |= note_hits(sums[i], first + i, v * lanes, bars, hits);
    }
    hits.num_strips += panel_vectors / width;
    return found;
}

std::uint32_t byte_tile(const ByteQueries& queries, std::size_t num_queries, const PanelCodes& rows,
                        std::size_t quads, const BytePanel& panel, ByteHits& hits) {
    ByteBars bars;
    byte_bars(queries, panel, bars);
    for (std::size_t q = 0; q < num_queries; ++q) hits.rows[q] = 0;
    std::uint32_t found = 0;
    std::size_t i = 0;
    for (; i + byte_tile_height <= num_queries; i += byte_tile_height)
        found |= byte_strip<byte_tile_height>(queries, i, rows, quads, bars, hits);
    if (byte_tile_height > 4)
        for (; i + 4 <= num_queries; i += 4) found |= byte_strip<4>(queries, i, rows, quads, bars, hits);
    for (; i < num_queries; ++i) found |= byte_strip<1, few_width>(queries, i, rows, quads, bars, hits);
    return found;
}
