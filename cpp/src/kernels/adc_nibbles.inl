// Averages of 8-bit look-up table entries named by the halves of a code's bytes, 16 entries a table. Codes
// are turned once for all queries: then a shuffle finds the entries of as many codes as a vector has bytes.
// Adding in 8 bits would overflow, or saturate by an instruction that competes with the shuffles; an average,
// rounded up, bounds a sum from above, and is the cheapest of the three.

constexpr std::size_t nibble_step = 4 * nibble_group;  // bytes of the codes of a step
#if defined(__AVX2__) || defined(__aarch64__)
constexpr std::size_t lane_sets = 64 / byte_lanes,
                      set_vectors = 4 / lane_sets;  // of four lanes; of byte_lanes codes
#endif

/// Steps of a chunk, of which `left` bytes or more are a code's.
inline std::size_t nibble_steps(std::size_t left) { return left > 16 ? 16 : left > 8 ? 8 : 4; }

/// Column l * steps + s of a chunk is lane l of step s.
inline void turn_chunk_plainly(const std::uint8_t* codes, std::size_t stride, std::size_t count,
                               std::size_t width, std::size_t steps, std::uint8_t* turned) {
    for (std::size_t c = 0; c < 4 * steps; ++c)
        for (std::size_t i = 0; i < nibble_group; ++i) {
            const unsigned code = i < count && c / 2 < width ? codes[i * stride + c / 2] : 0u;
            turned[c % steps * nibble_step + i / 16 * 64 + c / steps * 16 + i % 16] =
                static_cast<std::uint8_t>(code >> c % 2 * 4 & 15);
        }
}

#if defined(__AVX2__)
/// The four quarters of a chunk of a row, of 2, 4 or 8 bytes, in 8 bytes each.
template <std::size_t steps>
inline __m256i load_quarters(const std::uint8_t* p) {
    if (steps == 16) return (__m256i)load_bytes<Bytes32>(p);
    if (steps == 8) return _mm256_cvtepu32_epi64((__m128i)load_bytes<Bytes16>(p));
    return _mm256_cvtepu16_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}

/// In lane l quarter l of two rows.
template <std::size_t steps>
inline void load_two_rows(const std::uint8_t* row, std::size_t stride, Bytes (&lanes_of)[lane_sets]) {
    const __m256i a = load_quarters<steps>(row), b = load_quarters<steps>(row + stride);
#if defined(__AVX512BW__)
    const __m512i order = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    lanes_of[0] =
        (Bytes)_mm512_permutex2var_epi64(_mm512_castsi256_si512(a), order, _mm512_castsi256_si512(b));
#else
    const __m256i even = _mm256_unpacklo_epi64(a, b), odd = _mm256_unpackhi_epi64(a, b);
    lanes_of[0] = (Bytes)_mm256_permute2x128_si256(even, odd, 0x20);
    lanes_of[1] = (Bytes)_mm256_permute2x128_si256(even, odd, 0x31);
#endif
}

/// of[p][b]: byte b of the quarters of 16 rows, each readable for 2 * steps bytes.
template <std::size_t steps>
inline void turn_rows(const std::uint8_t* rows, std::size_t stride, Bytes (&of)[lane_sets][8]) {
    Bytes pairs[8][lane_sets];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 8; ++r) load_two_rows<steps>(rows + 2 * r * stride, stride, pairs[r]);
    const auto shuffle = [](const Bytes(&from)[8], Bytes(&to)[8]) {
#pragma GCC unroll 4
        for (std::size_t r = 0; r < 4; ++r) {
            to[2 * r] = interleave_first(from[r], from[r + 4]);
            to[2 * r + 1] = interleave_last(from[r], from[r + 4]);
        }
    };
#pragma GCC unroll 2
    for (std::size_t p = 0; p < lane_sets; ++p) {
        Bytes w[8];
#pragma GCC unroll 8
        for (std::size_t r = 0; r < 8; ++r) of[p][r] = pairs[r][p];
        shuffle(of[p], w), shuffle(w, of[p]), shuffle(of[p], w), shuffle(w, of[p]);
    }
}

inline Bytes low_halves(Bytes v) { return v & 0x0f; }
inline Bytes high_halves(Bytes v) {
    typedef std::uint16_t Words __attribute__((vector_size(byte_lanes)));
    return (Bytes)((Words)v >> 4) & 0x0f;
}

/// A chunk of nibble_group rows.
template <std::size_t steps>
inline void turn_chunk(const std::uint8_t* rows, std::size_t stride, std::uint8_t* turned) {
    for (std::size_t first = 0; first < nibble_group; first += 16) {
        Bytes of[lane_sets][8];
        turn_rows<steps>(rows + first * stride, stride, of);
#pragma GCC unroll 2
        for (std::size_t p = 0; p < lane_sets; ++p) {
            std::uint8_t* to = turned + first * 4 + p * byte_lanes;
#pragma GCC unroll 8
            for (std::size_t b = 0; b < steps / 2; ++b) {
                store_bytes(to + 2 * b * nibble_step, low_halves(of[p][b]));
                store_bytes(to + (2 * b + 1) * nibble_step, high_halves(of[p][b]));
            }
        }
    }
}

inline void turn_chunk(const std::uint8_t* rows, std::size_t stride, std::size_t steps,
                       std::uint8_t* turned) {
    if (steps == 16) return turn_chunk<16>(rows, stride, turned);
    if (steps == 8) return turn_chunk<8>(rows, stride, turned);
    turn_chunk<4>(rows, stride, turned);
}
#endif

void turn_nibbles(const std::uint8_t* codes, std::size_t stride, std::size_t count, std::size_t code_size,
                  std::uint8_t* turned) {
    for (std::size_t first = 0; first < count; first += nibble_group) {
        const std::size_t here = count - first < nibble_group ? count - first : nibble_group;
        const std::uint8_t* group = codes + first * stride;
#if defined(__AVX2__)
        const auto readable = static_cast<std::size_t>(codes + (count - 1) * stride + code_size - group);
        for (std::size_t ahead = 0; ahead < nibble_group * stride; ahead += 64)
            __builtin_prefetch(group + bytes_ahead + ahead);
#endif
        for (std::size_t b = 0, steps = 0; b < code_size; b += 32, turned += steps * nibble_step) {
            steps = nibble_steps(code_size - b);
#if defined(__AVX2__)
            if ((nibble_group - 1) * stride + b + 2 * steps <= readable) {
                turn_chunk(group + b, stride, steps, turned);
                continue;
            }
#endif
            turn_chunk_plainly(group + b, stride, here, code_size - b, steps, turned);
        }
    }
}

#if defined(__AVX2__) || defined(__aarch64__)
/// Half of a + b, rounded up.
inline Bytes average(Bytes a, Bytes b) {
#if defined(__AVX512BW__)
    return (Bytes)_mm512_avg_epu8((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Bytes)_mm256_avg_epu8((__m256i)a, (__m256i)b);
#else
    return (Bytes)vrhaddq_u8((uint8x16_t)a, (uint8x16_t)b);
#endif
}

/// The entries of some steps, their averages by halves.
template <std::size_t steps>
inline void average_steps(const std::uint8_t* entries, const std::uint8_t* turned, Bytes (&v)[set_vectors]) {
    if constexpr (steps == 1) {
        const auto table = load_bytes<Bytes>(entries);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < set_vectors; ++i)
            v[i] = look_up(table, load_bytes<Bytes>(turned + i * 64));
    } else {
        Bytes others[set_vectors];
        average_steps<steps / 2>(entries, turned, v);
        average_steps<steps / 2>(entries + steps / 2 * 64, turned + steps / 2 * nibble_step, others);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < set_vectors; ++i) v[i] = average(v[i], others[i]);
    }
}

#if defined(__AVX2__)
/// Averages of lanes 0 and 1, 2 and 3 ... of a, then of b.
inline Bytes average_lanes(Bytes a, Bytes b) {
#if defined(__AVX512BW__)
    return average((Bytes)_mm512_maskz_shuffle_i64x2(0xff, (__m512i)a, (__m512i)b, 0x88),
                   (Bytes)_mm512_maskz_shuffle_i64x2(0xff, (__m512i)a, (__m512i)b, 0xdd));
#else
    return average((Bytes)_mm256_permute2x128_si256((__m256i)a, (__m256i)b, 0x20),
                   (Bytes)_mm256_permute2x128_si256((__m256i)a, (__m256i)b, 0x31));
#endif
}
#endif

inline Bytes average_lanes(const Bytes (&v)[lane_sets][set_vectors]) {
#if defined(__AVX512BW__)
    return average_lanes(average_lanes(v[0][0], v[0][1]), average_lanes(v[0][2], v[0][3]));
#elif defined(__AVX2__)
    return average(average_lanes(v[0][0], v[0][1]), average_lanes(v[1][0], v[1][1]));
#else
    return average(average(v[0][0], v[1][0]), average(v[2][0], v[3][0]));
#endif
}

/// byte_lanes turned codes.
struct TurnedCodes {
    const std::uint8_t* turned;

    template <std::size_t steps>
    Bytes average_of(std::size_t b, const std::uint8_t* entries) const {
        Bytes v[lane_sets][set_vectors];
#pragma GCC unroll 4
        for (std::size_t t = 0; t < lane_sets; ++t)
            average_steps<steps>(entries + t * byte_lanes, turned + b / 2 * nibble_step + t * byte_lanes,
                                 v[t]);
        return average_lanes(v);
    }
};

#if defined(__AVX2__)
/// byte_lanes codes, each readable up to the end of its last chunk.
struct CodesInRows {
    const std::uint8_t* codes;
    std::size_t stride;

    template <std::size_t steps>
    Bytes average_of(std::size_t b, const std::uint8_t* entries) const {
        Bytes v[lane_sets][set_vectors];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < set_vectors; ++i) {
            Bytes of[lane_sets][8];
            turn_rows<steps>(codes + b + 16 * i * stride, stride, of);
#pragma GCC unroll 2
            for (std::size_t p = 0; p < lane_sets; ++p) {
                const std::uint8_t* tables = entries + p * byte_lanes;
#pragma GCC unroll 8
                for (std::size_t s = 0; s < steps / 2; ++s)
                    of[p][s] =
                        average(look_up(load_bytes<Bytes>(tables + 128 * s), low_halves(of[p][s])),
                                look_up(load_bytes<Bytes>(tables + 128 * s + 64), high_halves(of[p][s])));
#pragma GCC unroll 8
                for (std::size_t n = 1; n < steps / 2; n *= 2)
#pragma GCC unroll 8
                    for (std::size_t s = 0; s < steps / 2; s += 2 * n)
                        of[p][s] = average(of[p][s], of[p][s + n]);
                v[p][i] = of[p][0];
            }
        }
        return average_lanes(v);
    }
};
#endif

template <class Codes>
inline Bytes average_chunk(const Codes& codes, std::size_t b, std::size_t steps,
                           const std::uint8_t* entries) {
    if (steps == 16) return codes.template average_of<16>(b, entries);
    if (steps == 8) return codes.template average_of<8>(b, entries);
    return codes.template average_of<4>(b, entries);
}

/// Of byte_lanes codes those whose averages sum to the bar.
template <class Codes>
inline std::uint64_t reached(const NibbleQuery& query, const Codes& codes, std::size_t code_size) {
    if (code_size <= 32) {
        const Bytes averages = average_chunk(codes, 0, nibble_steps(code_size), query.entries);
        const auto bar = static_cast<std::uint8_t>(query.bar);
        return query.bar > 255 ? 0 : top_bits((Bytes)(averages >= set_all(bar)));
    }
    WordSums<byte_lanes> sums;
    const std::uint8_t* entries = query.entries;
    for (std::size_t b = 0, steps = 0; b < code_size; b += 32) {
        steps = nibble_steps(code_size - b);
        Bytes averages = average_chunk(codes, b, steps, entries);
        for (std::size_t s = steps; s < 16; s *= 2) averages = average(averages, Bytes{});
        sums.add(averages);
        entries += steps * 64;
    }
    const auto bars = query.bar - typename ByteVectors<byte_lanes>::Word{};
    return sums.reached(bars, bars);
}
constexpr std::size_t codes_reached = byte_lanes;
#else
/// 16 turned codes.
struct TurnedCodes {
    const std::uint8_t* turned;
};

/// Those whose averages sum to the bar.
inline std::uint64_t reached(const NibbleQuery& query, TurnedCodes of, std::size_t code_size) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        const std::uint8_t *entries = query.entries, *codes = of.turned + i;
        unsigned sum = 0;
        for (std::size_t b = 0, steps = 0; b < code_size; b += 32) {
            steps = nibble_steps(code_size - b);
            std::uint8_t averages[64];  // lane after lane, then all by halves
            for (std::size_t c = 0; c < 4 * steps; ++c) {
                const std::size_t step = c % steps, lane = c / steps;
                averages[c] = entries[step * 64 + lane * 16 + codes[step * nibble_step + lane * 16]];
            }
            for (std::size_t n = 2 * steps; n > 0; n /= 2)
                for (std::size_t c = 0; c < n; ++c)
                    averages[c] = static_cast<std::uint8_t>((averages[2 * c] + averages[2 * c + 1] + 1) / 2);
            for (std::size_t s = steps; code_size > 32 && s < 16; s *= 2)
                averages[0] = static_cast<std::uint8_t>((averages[0] + 1) / 2);
            sum += averages[0];
            entries += steps * 64, codes += steps * nibble_step;
        }
        bits |= std::uint64_t{sum >= query.bar} << i;
    }
    return bits;
}
constexpr std::size_t codes_reached = 16;
#endif

/// Calls take(row) for each of `bits`, row i being the first, of those below count.
template <class Take>
inline void for_rows(std::uint64_t bits, std::size_t i, std::size_t count, Take take) {
    if (count - i < codes_reached) bits &= (std::uint64_t{1} << (count - i)) - 1;
    for (; bits; bits &= bits - 1)
        take(static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctzll(bits)));
}

std::size_t adc_nibbles(const NibbleQuery* queries, std::size_t num_queries, const std::uint8_t* turned,
                        std::size_t count, std::size_t code_size, NibbleHit* hits) {
    std::size_t group_bytes = 0, found = 0;
    for (std::size_t b = 0; b < code_size; b += 32) group_bytes += nibble_steps(code_size - b) * nibble_step;
    for (std::size_t q = 0; q < num_queries; ++q)
        for (std::size_t i = 0; i < count; i += codes_reached) {
            const TurnedCodes codes = {turned + i / nibble_group * group_bytes + i % nibble_group * 4};
            for_rows(reached(queries[q], codes, code_size), i, count,
                     [&](std::uint32_t row) { hits[found++] = {static_cast<std::uint32_t>(q), row}; });
        }
    return found;
}

std::size_t adc_nibble_row(const NibbleQuery& query, const std::uint8_t* codes, std::size_t stride,
                           std::size_t count, std::size_t code_size, std::uint8_t* turned,
                           std::uint32_t* rows) {
    std::size_t found = 0, i = 0;
    const auto take = [&](std::uint32_t row) { rows[found++] = row; };
#if defined(__AVX2__)
    const std::size_t width = code_size / 32 * 32 + (code_size % 32 ? 2 * nibble_steps(code_size % 32) : 0);
    const std::size_t readable = count > 0 ? (count - 1) * stride + code_size : 0;
    for (; i + byte_lanes <= count && (i + byte_lanes - 1) * stride + width <= readable; i += byte_lanes) {
        for (std::size_t ahead = 0; ahead < byte_lanes * stride; ahead += 64)
            __builtin_prefetch(codes + i * stride + bytes_ahead + ahead);
        for_rows(reached(query, CodesInRows{codes + i * stride, stride}, code_size), i, count, take);
    }
#endif
    for (; i < count; i += codes_reached) {
        const std::size_t here = count - i < codes_reached ? count - i : codes_reached;
        turn_nibbles(codes + i * stride, stride, here, code_size, turned);
        for_rows(reached(query, TurnedCodes{turned}, code_size), i, count, take);
    }
    return found;
}
