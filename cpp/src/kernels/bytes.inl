// Dot products of rows quantised to bytes: integers, so exact and the same at every level.

typedef std::int32_t VecI __attribute__((vector_size(4 * lanes)));
typedef std::int16_t VecShort __attribute__((vector_size(4 * lanes)));
typedef std::uint16_t VecUnsigned __attribute__((vector_size(4 * lanes)));
typedef std::uint8_t Bytes16 __attribute__((vector_size(16)));

template <class V>
inline V load_bytes(const void* p) {
    typedef V Unaligned __attribute__((aligned(1), may_alias));
    return *static_cast<const Unaligned*>(p);
}

template <class V>
inline void store_bytes(void* p, V v) {
    typedef V Unaligned __attribute__((aligned(1), may_alias));
    *static_cast<Unaligned*>(p) = v;
}

constexpr std::size_t panel_bytes = 4 * byte_panel_rows,
                      tile_bytes = 4 * byte_tile_queries;  // of four columns
constexpr std::size_t panel_vectors = byte_panel_rows / lanes;
constexpr std::size_t few_width = lanes == 8 ? 4 : 2;  // a whole panel at AVX2, for one query

#if defined(__AVX512VNNI__)
constexpr ByteLimits byte_limits = {127, 1e30f};
constexpr std::size_t byte_tile_height =
    12;  // queries at a time; 24 sums, 2 rows and a query of 32 registers
#elif defined(__AVX512BW__)
constexpr ByteLimits byte_limits = {64, 127};
constexpr std::size_t byte_tile_height = 12;
#elif defined(__AVX2__)
constexpr ByteLimits byte_limits = {64, 127};
constexpr std::size_t byte_tile_height = 6;
#else
constexpr ByteLimits byte_limits = {127, 1e30f};
constexpr std::size_t byte_tile_height = 4;
#endif

/// A 32-bit value in every lane.
inline VecI broadcast_bits(const void* p) { return load_bytes<std::int32_t>(p) - VecI{}; }

/// Sums of the products of neighbouring 16-bit integers.
inline VecI add_pairs(VecShort a, VecShort b) {
#if defined(__AVX512BW__)
    return (VecI)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (VecI)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (VecI)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    VecI sums;
    for (std::size_t l = 0; l < lanes; ++l) sums[l] = a[2 * l] * b[2 * l] + a[2 * l + 1] * b[2 * l + 1];
    return sums;
#endif
}

// Per 32-bit lane, adds the products of four bytes, those of the rows unsigned, those of the query signed.
#if defined(__AVX512VNNI__)
struct ByteRows {
    VecI codes;
    explicit ByteRows(const std::uint8_t* p) : codes(load_bytes<VecI>(p)) {}
};
struct ByteQuery {
    VecI codes;
    explicit ByteQuery(const std::int8_t* p) : codes(load_bytes<std::int32_t>(p) - VecI{}) {}
};
inline VecI add_products(VecI sum, ByteRows rows, ByteQuery query) {
    return (VecI)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)rows.codes, (__m512i)query.codes);
}
#else
struct ByteRows {
    VecShort even, odd;
    explicit ByteRows(const std::uint8_t* p) {
        const auto pairs = load_bytes<VecUnsigned>(p);
        even = (VecShort)(pairs & 0xff), odd = (VecShort)(pairs >> 8);
    }
};
struct ByteQuery {
    VecShort even, odd;
    explicit ByteQuery(const std::int8_t* p) {
        const auto pairs = (VecShort)(load_bytes<std::int32_t>(p) - VecI{});
        even = (pairs << 8) >> 8, odd = pairs >> 8;
    }
};
inline VecI add_products(VecI sum, ByteRows rows, ByteQuery query) {
    return sum + add_pairs(rows.even, query.even) + add_pairs(rows.odd, query.odd);
}
#endif

/// Bit l is set unless a[l] < b[l].
inline std::uint32_t not_less(VecI a, VecI b) {
#if defined(__AVX512F__)
    return _mm512_cmpge_epi32_mask((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return ~static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)(a < b))) & 0xff;
#elif defined(__SSE2__)
    return ~static_cast<std::uint32_t>(_mm_movemask_ps((__m128)(a < b))) & 0xf;
#else
    std::uint32_t bits = 0;
    for (std::size_t l = 0; l < lanes; ++l) bits |= static_cast<std::uint32_t>(a[l] >= b[l]) << l;
    return bits;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512VNNI__)
// One instruction multiplies the bytes and adds neighbouring products in 16 bits: at most 2 * 255 * 64, so
// that they fit. Sums of half a block are taken modulo 2^16, in which the start and all steps are exact; the
// sum they stand for is below 2^15 by Cauchy and Schwarz: half a block of a row and of a query have products
// of lengths up to 256 * 127.
static_assert(max_row_half_block * byte_limits.half_block < 32768 && 2 * 255 * byte_limits.code < 32768);

inline VecShort multiply_bytes(VecI rows, VecI query) {
#if defined(__AVX512BW__)
    return (VecShort)_mm512_maddubs_epi16((__m512i)rows, (__m512i)query);
#else
    return (VecShort)_mm256_maddubs_epi16((__m256i)rows, (__m256i)query);
#endif
}

/// Adds to the sums the products of queries first .. first + height - 1 of the tile and `width` vectors of
/// rows, for fours of columns begin .. end - 1, of which the rows are given.
template <std::size_t height, std::size_t width>
inline void add_products(const ByteQueries& queries, std::size_t first, const std::uint8_t* rows,
                         std::size_t begin, std::size_t end, VecI (&sums)[height][width]) {
    const std::int8_t* codes = queries.codes + begin * tile_bytes + 4 * first;
    const std::size_t num_blocks = (begin + byte_block / 4 - 1) / (byte_block / 4);
    const std::int16_t* start = queries.block_start + 2 * (num_blocks * byte_tile_queries + first);
    for (; begin < end; start += 2 * byte_tile_queries) {
        const std::size_t next = begin / (byte_block / 4) * (byte_block / 4) + byte_block / 4;
        const std::size_t stop = next < end ? next : end;
        VecUnsigned block[height][width];
#pragma GCC unroll 12
        for (std::size_t i = 0; i < height; ++i)
#pragma GCC unroll 4
            for (std::size_t v = 0; v < width; ++v) block[i][v] = (VecUnsigned)broadcast_bits(start + 2 * i);
        for (; begin < stop; ++begin, codes += tile_bytes, rows += panel_bytes) {
            VecI row[width];
#pragma GCC unroll 4
            for (std::size_t v = 0; v < width; ++v) row[v] = load_bytes<VecI>(rows + v * sizeof(VecI));
#pragma GCC unroll 12
            for (std::size_t i = 0; i < height; ++i) {
                const VecI query = broadcast_bits(codes + 4 * i);
#pragma GCC unroll 4
                for (std::size_t v = 0; v < width; ++v)
                    block[i][v] += (VecUnsigned)multiply_bytes(row[v], query);
            }
        }
#pragma GCC unroll 12
        for (std::size_t i = 0; i < height; ++i)
#pragma GCC unroll 4
            for (std::size_t v = 0; v < width; ++v)
                sums[i][v] += add_pairs((VecShort)block[i][v], VecShort{} + 1);
    }
}
#else
/// Adds to the sums the products of queries first .. first + height - 1 of the tile and `width` vectors of
/// rows, for fours of columns begin .. end - 1, of which the rows are given.
template <std::size_t height, std::size_t width>
inline void add_products(const ByteQueries& queries, std::size_t first, const std::uint8_t* rows,
                         std::size_t begin, std::size_t end, VecI (&sums)[height][width]) {
    const std::int32_t* start = (begin == 0 ? queries.head_start : queries.tail_start) + first;
    for (std::size_t i = 0; i < height; ++i)
        for (std::size_t v = 0; v < width; ++v) sums[i][v] += start[i] - VecI{};
    const std::int8_t* codes = queries.codes + begin * tile_bytes + 4 * first;
    const auto add_columns = [&](std::size_t c, VecI(&to)[height][width]) {
        const std::uint8_t* row = rows + (c - begin) * panel_bytes;
        const ByteRows left(row), right(row + sizeof(VecI));
#pragma GCC unroll 12
        for (std::size_t i = 0; i < height; ++i) {
            const ByteQuery query(codes + (c - begin) * tile_bytes + 4 * i);
            to[i][0] = add_products(to[i][0], left, query);
            to[i][1] = add_products(to[i][1], right, query);
        }
    };
    std::size_t c = begin;
    if constexpr (height == 1) {  // sums of one query would wait for each other
        constexpr std::size_t others = 3;
        VecI more[others][1][width] = {};
        for (; c + others < end; c += others + 1) {
            add_columns(c, sums);
#pragma GCC unroll 3
            for (std::size_t s = 0; s < others; ++s) add_columns(c + 1 + s, more[s]);
        }
        for (std::size_t s = 0; s < others; ++s)
            for (std::size_t v = 0; v < width; ++v) sums[0][v] += more[s][0][v];
    }
    for (; c < end; ++c) add_columns(c, sums);
}
#endif

inline Vec magnitude(Vec x) { return (Vec)((VecIndex)x & 0x7fffffffu); }

inline Vec load_some(const float* p, std::size_t count) {
    Vec values = {};
    for (std::size_t l = 0; l < count; ++l) values[l] = p[l];
    return values;
}

/// The low bytes of the elements, as groups of four.
inline void store_low_bytes(VecIndex values, std::uint8_t* quads, std::size_t quad_stride) {
#if defined(__AVX512F__)
    const Bytes16 bytes = __builtin_convertvector(values, Bytes16);
#elif defined(__AVX2__)
    const __m256i low = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                         -1, -1, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i spread = _mm256_shuffle_epi8((__m256i)values, low);
    const Bytes16 bytes =
        (Bytes16)_mm_or_si128(_mm256_castsi256_si128(spread), _mm256_extracti128_si256(spread, 1));
#else
    Bytes16 bytes = {};
    for (std::size_t l = 0; l < lanes; ++l) bytes[l] = static_cast<std::uint8_t>(values[l]);
#endif
    typedef std::uint32_t Quads __attribute__((vector_size(16)));
    for (std::size_t i = 0; i < lanes / 4; ++i) store_bytes(quads + i * quad_stride, ((Quads)bytes)[i]);
}

/// The low bytes of four rows' elements: of four columns after four those of all rows, as 16 bytes.
inline void store_low_bytes(const VecIndex (&rows)[4], std::uint8_t* quads, std::size_t quad_stride) {
    // A column's four bytes side by side, then turned within each four columns.
    const VecIndex columns =
        (rows[0] & 0xff) | (rows[1] & 0xff) << 8 | (rows[2] & 0xff) << 16 | rows[3] << 24;
#if defined(__AVX512BW__)
    const __m512i turn = _mm512_set4_epi32(0x0f0b0703, 0x0e0a0602, 0x0d090501, 0x0c080400);
    const auto turned = (VecIndex)_mm512_shuffle_epi8((__m512i)columns, turn);
#elif defined(__AVX2__)
    const __m256i turn =
        _mm256_broadcastsi128_si256(_mm_setr_epi32(0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703));
    const auto turned = (VecIndex)_mm256_shuffle_epi8((__m256i)columns, turn);
#else
    typedef std::uint8_t Bytes __attribute__((vector_size(4 * lanes)));
    const auto turned = (VecIndex)__builtin_shufflevector((Bytes)columns, (Bytes)columns, 0, 4, 8, 12, 1, 5,
                                                          9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
#endif
    std::uint32_t four[lanes];
    __builtin_memcpy(four, &turned, sizeof four);
    for (std::size_t q = 0; q < lanes / 4; ++q)
        store_bytes(quads + q * quad_stride, load_bytes<Bytes16>(four + 4 * q));
}

/// Of `count` rows, as quantize_rows.
template <std::size_t count>
inline void quantize_some(const float* rows, std::size_t stride, std::size_t dim, const float* multipliers,
                          std::uint8_t flip, std::uint8_t* codes, std::size_t quad_stride, float* lengths,
                          float* residuals) {
    const Vec magic =
        broadcast(0x1.8p23f);  // floats of this size are whole numbers, their low bits the number
    Vec length[count] = {}, residual[count] = {};
    const auto take = [&](std::size_t j, Vec values) {
        const Vec scaled = values * broadcast(multipliers[j]), moved = scaled + magic,
                  rounded = moved - magic;
        const Vec rest = scaled - rounded;
        length[j] = fma(rounded, rounded, length[j]);
        residual[j] = fma(rest, rest, residual[j]);
        return (VecIndex)moved ^ flip;
    };
    std::size_t c = 0;
    if constexpr (count == 4)
        for (; c + lanes <= dim; c += lanes) {
            VecIndex moved[4];
#pragma GCC unroll 4
            for (std::size_t j = 0; j < 4; ++j) moved[j] = take(j, load<Vec>(rows + j * stride + c));
            store_low_bytes(moved, codes + c / 4 * quad_stride, quad_stride);
        }
    else
        for (; c + lanes <= dim; c += lanes)
            store_low_bytes(take(0, load<Vec>(rows + c)), codes + c / 4 * quad_stride, quad_stride);
    if (c < dim) {
        const std::size_t left = dim - c;
        for (std::size_t j = 0; j < count; ++j) {
            const VecIndex moved = take(j, load_some(rows + j * stride + c, left));
            for (std::size_t l = 0; l < (left + 3) / 4 * 4; ++l)
                codes[(c + l) / 4 * quad_stride + 4 * j + l % 4] = static_cast<std::uint8_t>(moved[l]);
        }
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < count; ++j) lengths[j] = sum(length[j]), residuals[j] = sum(residual[j]);
}

void quantize_rows(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                   const float* multipliers, std::uint8_t flip, std::uint8_t* codes, std::size_t quad_stride,
                   float* lengths, float* residuals) {
    std::size_t j = 0;
    for (; j + 4 <= count; j += 4)
        quantize_some<4>(rows + j * stride, stride, dim, multipliers + j, flip, codes + 4 * j, quad_stride,
                         lengths + j, residuals + j);
    for (; j < count; ++j)
        quantize_some<1>(rows + j * stride, stride, dim, multipliers + j, flip, codes + 4 * j, quad_stride,
                         lengths + j, residuals + j);
}

void largest_magnitudes(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                        float* largest) {
    for (std::size_t j = 0; j < count; ++j, rows += stride) {
        Vec most[2] = {};
        std::size_t c = 0;
        for (; c + 2 * lanes <= dim; c += 2 * lanes)
#pragma GCC unroll 2
            for (std::size_t s = 0; s < 2; ++s)
                most[s] = larger(magnitude(load<Vec>(rows + c + s * lanes)), most[s]);
        for (; c < dim; c += lanes)
            most[0] = larger(magnitude(c + lanes <= dim ? load<Vec>(rows + c) : load_some(rows + c, dim - c)),
                             most[0]);
        largest[j] = largest_of(larger(most[0], most[1]));
    }
}

void longest_half_blocks(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                         float* squared) {
    for (std::size_t j = 0; j < count; ++j, rows += stride) {
        squared[j] = 0;
        for (std::size_t begin = 0; begin < dim; begin += byte_block) {
            const std::size_t end = begin + byte_block < dim ? begin + byte_block : dim;
            Vec squares = {};
            for (std::size_t c = begin; c < end; c += lanes) {
                const Vec values = c + lanes <= end ? load<Vec>(rows + c) : load_some(rows + c, end - c);
                squares += values * values;
            }
            const Vec4 four = fold(squares);
            const float low = four[0] + four[1], high = four[2] + four[3], larger = low < high ? high : low;
            squared[j] = squared[j] < larger ? larger : squared[j];
        }
    }
}
