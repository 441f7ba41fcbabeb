// Nearest neighbours among short binary descriptors: four bits of a row look up how far they are from those
// of many columns. A byte of a table serves two columns, since the distances by three tables do not overflow
// half of it.

constexpr std::size_t half_columns = lanes == 16 ? 64 : 32, table_columns = 2 * half_columns;
static_assert(bit_columns % table_columns == 0);
typedef std::uint8_t HalfBytes __attribute__((vector_size(half_columns)));
typedef std::uint16_t HalfWords __attribute__((vector_size(half_columns)));

/// Table g has for each x by how many bits x << 4 differs from nibble g of the columns; in byte j that of
/// column j in the low half, that of column half_columns + j in the high half.
typedef HalfBytes NibbleTables[2 * bit_chunk][16];

inline void fill_tables(const std::uint8_t* columns, NibbleTables& tables) {
    for (std::size_t g = 0; g < 2 * bit_chunk; ++g) {
        const std::uint8_t* bytes = columns + g % bit_chunk * bit_columns;
        const auto left = load_bytes<HalfBytes>(bytes), right = load_bytes<HalfBytes>(bytes + half_columns);
        HalfBytes(&table)[16] = tables[g];
        HalfBytes added[4];
        table[0] = HalfBytes{};
        for (std::size_t bit = 0; bit < 4; ++bit) {
            const int shift = static_cast<int>(g / bit_chunk * 4 + bit);
            const HalfBytes ones = (left >> shift & 1) | (right >> shift & 1) << 4;
            table[0] += ones;
            added[bit] = 0x11 - (ones + ones);
        }
        for (unsigned x = 1; x < 16; ++x) table[x] = table[x & (x - 1)] + added[__builtin_ctz(x)];
    }
}

inline HalfBytes add_up_to_255(HalfBytes a, HalfBytes b) {
    const HalfBytes most = ~b;
    return (a < most ? a : most) + b;
}

/// GCC would put the splitting of sums off until its registers are full.
inline void settle([[maybe_unused]] HalfBytes& v) {
#if defined(__AVX512BW__)
    asm("" : "+v"(v));
#elif defined(__AVX2__)
    asm("" : "+x"(v));
#endif
}

/// The distances by one chunk, added to what stands in `distances` unless it is the first. Inlined, so that
/// the tables are found from the stack pointer: GCC would take a register for each.
template <bool is_first>
inline __attribute__((always_inline)) void add_distances(const NibbleTables& tables, const std::uint8_t* rows,
                                                         std::size_t stride, std::size_t count,
                                                         std::uint8_t* distances) {
    for (std::size_t i = 0; i < count; ++i, rows += stride, distances += table_columns) {
        std::uint64_t words[2 * bit_chunk / 8];
        if constexpr (lanes == 16) __builtin_memcpy(words, rows, sizeof words);
        const auto entry = [&](std::size_t g) {
            // With vectors so long loads are what takes time: fewer of them than one a nibble.
            const std::size_t nibble = lanes == 16 ? words[g / 8] >> g % 8 * 8 & 0xff : rows[g];
            return load_bytes<HalfBytes>(reinterpret_cast<const std::uint8_t*>(tables[g]) +
                                         nibble * (half_columns / 16));
        };
        HalfBytes sums{}, right{};  // sums: left + 16 * right, modulo 256
        const auto take = [&](HalfBytes both) {
            settle(both);
            sums += both, right += both >> 4;
            settle(right);
        };
#pragma GCC unroll 10
        for (std::size_t g = 0; g < 30; g += 3) take(entry(g) + entry(g + 1) + entry(g + 2));
        take(entry(30) + entry(31));
        HalfBytes left = sums - (right << 4);
        if constexpr (!is_first) {
            left = add_up_to_255(load_bytes<HalfBytes>(distances), left);
            right = add_up_to_255(load_bytes<HalfBytes>(distances + half_columns), right);
        }
        store_bytes(distances, left), store_bytes(distances + half_columns, right);
    }
}

inline HalfBytes min(HalfBytes a, HalfBytes b) { return a < b ? a : b; }
inline HalfBytes max(HalfBytes a, HalfBytes b) { return a < b ? b : a; }
inline HalfWords min(HalfWords a, HalfWords b) { return a < b ? a : b; }
#if defined(__AVX512BW__)
inline Words32 min(Words32 a, Words32 b) { return a < b ? a : b; }
#endif

/// The two smallest distances of half_columns columns, and the first row that has the smallest.
struct NearestBytes {
    HalfBytes first, second, row;

    void take(HalfBytes distance, HalfBytes position) {
        const HalfBytes nearer = min(first, distance);
        second = min(second, max(first, distance));
        row = nearer == first ? row : position;
        first = nearer;
    }
};

/// Distances above the numbers of their columns, as words: the smaller of each two.
inline HalfWords nearer_of_two(HalfBytes columns, HalfBytes distances) {
#if defined(__AVX512BW__)
    const auto low = reinterpret_cast<__m512i>(columns), high = reinterpret_cast<__m512i>(distances);
    return min(reinterpret_cast<HalfWords>(_mm512_maskz_unpacklo_epi8(~0ull, low, high)),
               reinterpret_cast<HalfWords>(_mm512_maskz_unpackhi_epi8(~0ull, low, high)));
#elif defined(__AVX2__)
    const auto low = reinterpret_cast<__m256i>(columns), high = reinterpret_cast<__m256i>(distances);
    return min(reinterpret_cast<HalfWords>(_mm256_unpacklo_epi8(low, high)),
               reinterpret_cast<HalfWords>(_mm256_unpackhi_epi8(low, high)));
#else
    const auto low = reinterpret_cast<HalfWords>(columns), high = reinterpret_cast<HalfWords>(distances);
    return min((high << 8) | (low & 0xff), (high & 0xff00) | low >> 8);
#endif
}

inline std::uint32_t smallest(HalfWords v) {
#if defined(__AVX512BW__)
    const Words32 w =
        min(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
            __builtin_shufflevector(v, v, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31));
#else
    const Words32 w = v;
#endif
    const Words16 low = __builtin_shufflevector(w, w, 0, 1, 2, 3, 4, 5, 6, 7),
                  high = __builtin_shufflevector(w, w, 8, 9, 10, 11, 12, 13, 14, 15);
    Words16 least = low < high ? low : high;
#if defined(__SSE4_1__)
    return static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(reinterpret_cast<__m128i>(least))));
#else
    Words16 other = __builtin_shufflevector(least, least, 4, 5, 6, 7, 0, 1, 2, 3);
    least = least < other ? least : other;
    other = __builtin_shufflevector(least, least, 2, 3, 0, 1, 2, 3, 0, 1);
    least = least < other ? least : other;
    return least[0] < least[1] ? least[0] : least[1];
#endif
}

/// Of distances at a byte a column: the nearest columns of each row, and the nearest rows of each column. A
/// function of its own has registers enough.
__attribute__((noinline)) void take_distances(const std::uint8_t* distances, std::size_t count,
                                              std::uint32_t column, std::uint32_t row, NearestBits by_column,
                                              std::uint32_t* by_row) {
    HalfBytes left_columns, right_columns;
    for (std::size_t j = 0; j < half_columns; ++j) {
        left_columns[j] = static_cast<std::uint8_t>(j);
        right_columns[j] = static_cast<std::uint8_t>(half_columns + j);
    }
    constexpr std::size_t told_apart = 256;  // rows, by the bytes of NearestBytes
    for (std::size_t begin = 0; begin < count; begin += told_apart) {
        const std::size_t end = count - begin < told_apart ? count : begin + told_apart;
        const HalfBytes most = 255 - HalfBytes{};
        NearestBytes left{most, most, {}}, right{most, most, {}};
        HalfBytes position{};
        for (std::size_t i = begin; i < end; ++i, position += 1) {
            const auto left_distance = load_bytes<HalfBytes>(distances + i * table_columns),
                       right_distance = load_bytes<HalfBytes>(distances + i * table_columns + half_columns);
            left.take(left_distance, position), right.take(right_distance, position);
            const std::uint32_t key = smallest(min(nearer_of_two(left_columns, left_distance),
                                                   nearer_of_two(right_columns, right_distance)));
            const std::uint32_t nearest = (key & 0xff00) << 8 | (column + (key & 0xff));
            by_row[i] = nearest < by_row[i] ? nearest : by_row[i];
        }
        for (std::size_t j = 0; j < table_columns; ++j) {
            const NearestBytes& half = j < half_columns ? left : right;
            const std::size_t l = j % half_columns;
            const std::uint32_t first = std::uint32_t{half.first[l]} << 16 |
                                        (row + static_cast<std::uint32_t>(begin) + half.row[l]),
                                second = std::uint32_t{half.second[l]} << 16;
            std::uint32_t &known = by_column.first[j], &next = by_column.second[j];
            const std::uint32_t later = first < known ? known : first;
            next = second < next ? second : next;
            next = later < next ? later : next;
            known = first < known ? first : known;
        }
    }
}

void nearest_short_bits(const std::uint8_t* panel, std::uint32_t column, const std::uint8_t* rows,
                        std::size_t count, std::size_t num_chunks, std::uint32_t row, std::uint8_t* distances,
                        NearestBits by_column, std::uint32_t* by_row) {
    NibbleTables tables;
    const std::size_t halves = 2 * bit_chunk, stride = num_chunks * halves;
    for (std::size_t j = 0; j < bit_columns; j += table_columns) {
        for (std::size_t c = 0; c < num_chunks; ++c) {
            fill_tables(panel + c * bit_chunk * bit_columns + j, tables);
            if (c == 0)
                add_distances<true>(tables, rows, stride, count, distances);
            else
                add_distances<false>(tables, rows + c * halves, stride, count, distances);
        }
        take_distances(distances, count, column + static_cast<std::uint32_t>(j), row,
                       {by_column.first + j, by_column.second + j}, by_row);
    }
}
