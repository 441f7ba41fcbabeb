// Nearest neighbours among short binary descriptors: four bits of a row look up how far they are from those
// of 64 columns. A byte of a table serves two columns, since the distances by three tables do not overflow
// half of it.

/// Table g has for each x by how many bits x << 4 differs from nibble g of the columns; in byte j that of
/// column j in the low half, that of column 32 + j in the high half.
typedef Bytes32 NibbleTables[2 * bit_chunk][16];

inline void fill_tables(const std::uint8_t* columns, NibbleTables& tables) {
    for (std::size_t g = 0; g < 2 * bit_chunk; ++g) {
        const std::uint8_t* bytes = columns + g % bit_chunk * bit_columns;
        const Bytes32 left = load_bytes<Bytes32>(bytes), right = load_bytes<Bytes32>(bytes + 32);
        Bytes32(&table)[16] = tables[g];
        Bytes32 added[4];
        table[0] = Bytes32{};
        for (std::size_t bit = 0; bit < 4; ++bit) {
            const int shift = static_cast<int>(g / bit_chunk * 4 + bit);
            const Bytes32 ones = (left >> shift & 1) | (right >> shift & 1) << 4;
            table[0] += ones;
            added[bit] = 0x11 - (ones + ones);
        }
        for (unsigned x = 1; x < 16; ++x) table[x] = table[x & (x - 1)] + added[__builtin_ctz(x)];
    }
}

inline Bytes32 add_up_to_255(Bytes32 a, Bytes32 b) {
    const Bytes32 most = ~b;
    return (a < most ? a : most) + b;
}

/// GCC would put the splitting of sums off until its registers are full.
inline void settle([[maybe_unused]] Bytes32& v) {
#if defined(__AVX2__)
    asm("" : "+x"(v));
#endif
}

/// The distances by one chunk, added to what stands in `distances` unless it is the first. Inlined, so that
/// the tables are found from the stack pointer: GCC would take a register for each.
template <bool is_first>
inline __attribute__((always_inline)) void add_distances(const NibbleTables& tables, const std::uint8_t* rows,
                                                         std::size_t stride, std::size_t count,
                                                         std::uint8_t* distances) {
    for (std::size_t i = 0; i < count; ++i, rows += stride, distances += bit_columns) {
        const auto entry = [&](std::size_t g) {
            return load_bytes<Bytes32>(reinterpret_cast<const std::uint8_t*>(tables[g]) +
                                       std::size_t{rows[g]} * 2);
        };
        Bytes32 sums{}, right{};  // sums: left + 16 * right, modulo 256
        const auto take = [&](Bytes32 both) {
            settle(both);
            sums += both, right += both >> 4;
            settle(right);
        };
#pragma GCC unroll 10
        for (std::size_t g = 0; g < 30; g += 3) take(entry(g) + entry(g + 1) + entry(g + 2));
        take(entry(30) + entry(31));
        Bytes32 left = sums - (right << 4);
        if constexpr (!is_first) {
            left = add_up_to_255(load_bytes<Bytes32>(distances), left);
            right = add_up_to_255(load_bytes<Bytes32>(distances + 32), right);
        }
        store_bytes(distances, left), store_bytes(distances + 32, right);
    }
}

inline Bytes32 min(Bytes32 a, Bytes32 b) { return a < b ? a : b; }
inline Bytes32 max(Bytes32 a, Bytes32 b) { return a < b ? b : a; }
inline Words32 min(Words32 a, Words32 b) { return a < b ? a : b; }

/// The two smallest distances of 32 columns, and the first row that has the smallest.
struct NearestBytes {
    Bytes32 first, second, row;

    void take(Bytes32 distance, Bytes32 position) {
        const Bytes32 nearer = min(first, distance);
        second = min(second, max(first, distance));
        row = nearer == first ? row : position;
        first = nearer;
    }
};

/// Bytes of a below those of b, as words: of bytes 0 to 7 and 16 to 23, and of the others.
inline Words32 low_words(Bytes32 a, Bytes32 b) {
    return reinterpret_cast<Words32>(__builtin_shufflevector(a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37,
                                                             6, 38, 7, 39, 16, 48, 17, 49, 18, 50, 19, 51, 20,
                                                             52, 21, 53, 22, 54, 23, 55));
}
inline Words32 high_words(Bytes32 a, Bytes32 b) {
    return reinterpret_cast<Words32>(__builtin_shufflevector(a, b, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13,
                                                             45, 14, 46, 15, 47, 24, 56, 25, 57, 26, 58, 27,
                                                             59, 28, 60, 29, 61, 30, 62, 31, 63));
}

inline std::uint32_t smallest(Words32 v) {
    const Words16 low = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                  high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
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

/// Of distances at a byte a column: the nearest columns of each row, and the nearest rows of each column.
inline void take_distances(const std::uint8_t* distances, std::size_t count, std::uint32_t column,
                           std::uint32_t row, NearestBits by_column, std::uint32_t* by_row) {
    Bytes32 left_columns, right_columns;
    for (std::uint8_t j = 0; j < 32; ++j)
        left_columns[j] = j, right_columns[j] = static_cast<std::uint8_t>(32 + j);
    constexpr std::size_t told_apart = 256;  // rows, by the bytes of NearestBytes
    for (std::size_t begin = 0; begin < count; begin += told_apart) {
        const std::size_t end = count - begin < told_apart ? count : begin + told_apart;
        const Bytes32 most = 255 - Bytes32{};
        NearestBytes left{most, most, {}}, right{most, most, {}};
        Bytes32 position{};
        for (std::size_t i = begin; i < end; ++i, position += 1) {
            const Bytes32 left_distance = load_bytes<Bytes32>(distances + i * bit_columns),
                          right_distance = load_bytes<Bytes32>(distances + i * bit_columns + 32);
            left.take(left_distance, position), right.take(right_distance, position);
            const std::uint32_t key = smallest(min(
                min(low_words(left_columns, left_distance), high_words(left_columns, left_distance)),
                min(low_words(right_columns, right_distance), high_words(right_columns, right_distance))));
            const std::uint32_t nearest = (key & 0xff00) << 8 | (column + (key & 0xff));
            by_row[i] = nearest < by_row[i] ? nearest : by_row[i];
        }
        for (std::size_t j = 0; j < bit_columns; ++j) {
            const NearestBytes& half = j < 32 ? left : right;
            const std::uint32_t first = std::uint32_t{half.first[j % 32]} << 16 |
                                        (row + static_cast<std::uint32_t>(begin) + half.row[j % 32]),
                                second = std::uint32_t{half.second[j % 32]} << 16;
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
    for (std::size_t c = 0; c < num_chunks; ++c) {
        fill_tables(panel + c * bit_chunk * bit_columns, tables);
        if (c == 0)
            add_distances<true>(tables, rows, stride, count, distances);
        else
            add_distances<false>(tables, rows + c * halves, stride, count, distances);
    }
    take_distances(distances, count, column, row, by_column, by_row);
}
