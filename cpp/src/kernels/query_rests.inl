// What the codes of queries leave of them, in four bits more, against codes of rows.

/// Values of each half of a byte: of the low halves, and of the high ones.
inline VecI low_halves(VecI bits) { return bits & 0x0f0f0f0f; }
inline VecI high_halves(VecI bits) { return (bits >> 4) & 0x0f0f0f0f; }

/// Codes of a row, of which 128 more are stored.
inline VecI codes_at(const std::uint8_t* p) {
    return load_bytes<VecI>(p) ^ static_cast<std::int32_t>(0x80808080);
}

/// Per 32-bit lane, adds the products of four unsigned bytes up to 15 and four signed ones, twice.
inline VecI add_rests(VecI sum, VecI rests, VecI low, VecI high) {
    const VecI a = low_halves(rests), b = high_halves(rests);
#if defined(__AVX512VNNI__)
    sum = (VecI)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)low);
    return (VecI)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)b, (__m512i)high);
#elif defined(__AVX2__)
    // At most 4 * 15 * 128 < 2^15 in 16 bits.
    return sum + add_pairs(multiply_bytes(a, low) + multiply_bytes(b, high), VecShort{} + 1);
#else
    const auto even = [](VecI bytes) { return ((VecShort)bytes << 8) >> 8; };
    const auto odd = [](VecI bytes) { return (VecShort)bytes >> 8; };
    return sum + add_pairs(even(a), even(low)) + add_pairs(odd(a), odd(low)) +
           add_pairs(even(b), even(high)) + add_pairs(odd(b), odd(high));
#endif
}

/// n queries at a time, in sums that begin at `start`; what n further ones hold is asked for.
template <std::size_t n, bool more>
inline void rest_dots_of(const std::uint8_t* row, const std::uint8_t* const* rests, std::size_t blocks,
                         VecI start, VecI (&sums)[n]) {
    constexpr std::size_t half_block = rest_block / 2, line_bytes = 64;
    for (std::size_t i = 0; i < n; ++i) sums[i] = start;
    for (std::size_t byte = 0; byte < blocks * half_block; row += rest_block, byte += half_block)
#pragma GCC unroll 4
        for (std::size_t b = 0; b < half_block; b += sizeof(VecI)) {
            const VecI low = codes_at(row + b), high = codes_at(row + half_block + b);
#pragma GCC unroll 4
            for (std::size_t i = 0; i < n; ++i) {
                if (more && b % line_bytes == 0) __builtin_prefetch(rests[n + i] + byte + b);
                sums[i] = add_rests(sums[i], load_bytes<VecI>(rests[i] + byte + b), low, high);
            }
        }
}

void rest_dots(const std::uint8_t* row, const std::uint8_t* const* rests, std::size_t count,
               std::size_t blocks, std::int32_t* products) {
    VecI start = {};  // for the 8 that the rests have too much
    for (std::size_t c = 0; c < blocks * rest_block; c += 2 * sizeof(VecI))
        start = add_rests(start, VecI{} + static_cast<std::int32_t>(0x88888888), codes_at(row + c),
                          codes_at(row + c + sizeof(VecI)));
    const auto next = [&]<std::size_t n, bool more>(std::size_t i) {
        VecI sums[n];
        rest_dots_of<n, more>(row, rests + i, blocks, -start, sums);
        for (std::size_t j = 0; j < n; ++j) {
            const auto four = fold(sums[j]);
            products[i + j] = (four[0] + four[2]) + (four[1] + four[3]);
        }
    };
    std::size_t i = 0;
    for (; i + 8 <= count; i += 4) next.template operator()<4, true>(i);
    for (; i + 4 <= count; i += 4) next.template operator()<4, false>(i);
    for (; i < count; ++i) next.template operator()<1, false>(i);
}

RestSquares quantize_rests(const float* row, std::size_t dim, float multiplier, std::uint8_t* rests) {
    const Vec magic = broadcast(0x1.8p23f);  // as in quantize_rows
    const Vec most = broadcast(7.0f), steps = broadcast(rest_steps);
    Vec values = {}, left = {};
    const auto take = [&](Vec x) {
        const Vec scaled = x * broadcast(multiplier), code = (scaled + magic) - magic;
        const Vec rest = (scaled - code) * steps, near = (rest + magic) - magic;
        const Vec rounded = near < most ? near : most;
        const Vec value = code + rounded / steps, beyond = rest - rounded;
        values += value * value;
        left += beyond * beyond;
        return (VecIndex)(rounded + 8.0f + magic);
    };
    for (std::size_t begin = 0; begin < dim; begin += rest_block, rests += rest_block / 2) {
        std::uint8_t block[rest_block];
        std::size_t end = dim - begin < rest_block ? dim - begin : rest_block, c = 0;
        for (; c + lanes <= end; c += lanes) store_low_bytes(take(load<Vec>(row + begin + c)), block + c, 4);
        for (; c < rest_block; c += lanes)
            store_low_bytes(take(load_some(row + begin + c, c < end ? end - c : 0)), block + c, 4);
        for (std::size_t b = 0; b < rest_block / 2; b += sizeof(VecI)) {
            const VecI high = load_bytes<VecI>(block + rest_block / 2 + b);
            store_bytes(rests + b, load_bytes<VecI>(block + b) | high << 4);
        }
    }
    return {sum(values), sum(left)};
}
