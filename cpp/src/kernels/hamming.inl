// Nearest neighbours among binary descriptors, in both directions from one pass over their distances.

inline VecIndex broadcast_word(const std::uint8_t* p) {
    typedef std::uint32_t Unaligned __attribute__((aligned(1), may_alias));
    return *reinterpret_cast<const Unaligned*>(p) - VecIndex{};
}

inline VecIndex min(VecIndex a, VecIndex b) { return a < b ? a : b; }
inline VecIndex max(VecIndex a, VecIndex b) { return a < b ? b : a; }

// bit_counts gives counts whose sums over up to 31 words lane_sums brings into lanes: of a whole lane where
// the level counts so, of bytes elsewhere.
#if defined(__AVX512VPOPCNTDQ__)
inline VecIndex bit_counts(VecIndex x) {
    return reinterpret_cast<VecIndex>(_mm512_popcnt_epi32(reinterpret_cast<__m512i>(x)));
}
inline VecIndex lane_sums(VecIndex counts) { return counts; }
#elif defined(__AVX512BW__)
inline VecIndex bit_counts(VecIndex x) {  // nibbles, by table
    const __m512i table = _mm512_set4_epi32(0x04030302, 0x03020201, 0x03020201, 0x02010100);
    const __m512i v = reinterpret_cast<__m512i>(x), nibble = _mm512_set1_epi8(15);
    const __m512i low = _mm512_and_si512(v, nibble), high = _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble);
    return reinterpret_cast<VecIndex>(
        _mm512_add_epi8(_mm512_shuffle_epi8(table, low), _mm512_shuffle_epi8(table, high)));
}
inline VecIndex lane_sums(VecIndex counts) {
    const __m512i pairs = _mm512_maddubs_epi16(reinterpret_cast<__m512i>(counts), _mm512_set1_epi8(1));
    return reinterpret_cast<VecIndex>(_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
#elif defined(__AVX2__)
inline VecIndex bit_counts(VecIndex x) {
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i v = reinterpret_cast<__m256i>(x), nibble = _mm256_set1_epi8(15);
    const __m256i low = _mm256_and_si256(v, nibble), high = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
    return reinterpret_cast<VecIndex>(
        _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high)));
}
inline VecIndex lane_sums(VecIndex counts) {
    const __m256i pairs = _mm256_maddubs_epi16(reinterpret_cast<__m256i>(counts), _mm256_set1_epi8(1));
    return reinterpret_cast<VecIndex>(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#else
inline VecIndex bit_counts(VecIndex x) {  // in 2, 4, then 8 bits
    x -= (x >> 1) & 0x55555555u;
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    return (x + (x >> 4)) & 0x0f0f0f0fu;
}
inline VecIndex lane_sums(VecIndex counts) {
    const VecIndex pairs = (counts & 0x00ff00ffu) + ((counts >> 8) & 0x00ff00ffu);
    return (pairs & 0xffffu) + (pairs >> 16);
}
#endif

constexpr std::size_t summed_words = 31;

/// The two smallest keys met.
struct NearestVec {
    VecIndex first, second;

    void take(VecIndex key) {
        second = min(second, max(first, key));
        first = min(first, key);
    }
};

void nearest_bits(const std::uint32_t* panel, const std::uint32_t* columns, const std::uint8_t* rows,
                  std::size_t stride, std::size_t count, std::size_t num_words, std::uint32_t row,
                  NearestBits by_column, std::uint32_t* by_row) {
    const VecIndex left_columns = load_index(columns), right_columns = load_index(columns + lanes);
    NearestVec left{load_index(by_column.first), load_index(by_column.second)};
    NearestVec right{load_index(by_column.first + lanes), load_index(by_column.second + lanes)};
    VecIndex position = row - VecIndex{};
    for (std::size_t i = 0; i < count; ++i, rows += stride, by_row += lanes, position += 1) {
        VecIndex left_distance{}, right_distance{};
        for (std::size_t begin = 0; begin < num_words; begin += summed_words) {
            const std::size_t end = num_words - begin < summed_words ? num_words : begin + summed_words;
            VecIndex left_counts{}, right_counts{};
            for (std::size_t w = begin; w < end; ++w) {
                const VecIndex word = broadcast_word(rows + 4 * w);
                left_counts += bit_counts(word ^ load_index(panel + 2 * w * lanes));
                right_counts += bit_counts(word ^ load_index(panel + (2 * w + 1) * lanes));
            }
            left_distance += lane_sums(left_counts), right_distance += lane_sums(right_counts);
        }
        left_distance <<= 16, right_distance <<= 16;
        left.take(left_distance | position), right.take(right_distance | position);
        const VecIndex nearer = min(left_distance | left_columns, right_distance | right_columns);
        store_index(by_row, min(load_index(by_row), nearer));
    }
    store_index(by_column.first, left.first), store_index(by_column.second, left.second);
    store_index(by_column.first + lanes, right.first), store_index(by_column.second + lanes, right.second);
}
