// What may be nearest, in both directions, among the scores of a block of rows and columns.

/// The two largest of each lane.
struct LargestTwo {
    Vec first = broadcast(-__builtin_inff()), second = first;

    void take(Vec score) {
        const Vec lesser = score > first ? first : score;
        second = lesser > second ? lesser : second;
        first = score > first ? score : first;
    }
    /// Those of this many lanes, in each.
    template <std::size_t count>
    void join() {
        if constexpr (count > 1) {
            join<count / 2>();
            const Vec other = exchanged<count / 2>(second);
            take(exchanged<count / 2>(first));
            second = other > second ? other : second;
        }
    }
};

/// Of `count` rows.
template <std::size_t count>
inline void raise_best_of(const float* scores, std::size_t stride, std::size_t num_columns, float* first,
                          float* second, float* column_best) {
    LargestTwo rows[count];
    for (std::size_t j = 0; j < num_columns; j += lanes) {
        Vec best = load<Vec>(column_best + j);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < count; ++i) {
            const Vec score = load<Vec>(scores + i * stride + j);
            rows[i].take(score);
            best = score > best ? score : best;
        }
        store(column_best + j, best);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) {
        rows[i].template join<lanes>();
        first[i] = rows[i].first[0], second[i] = rows[i].second[0];
    }
}

void raise_best(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                float* first, float* second, float* column_best) {
    std::size_t i = 0;
    for (; i + 4 <= num_rows; i += 4)
        raise_best_of<4>(scores + i * stride, stride, num_columns, first + i, second + i, column_best);
    for (; i < num_rows; ++i)
        raise_best_of<1>(scores + i * stride, stride, num_columns, first + i, second + i, column_best);
}

std::size_t near_pairs(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                       const float* row_bars, const float* row_spreads, const float* column_bars,
                       const float* column_spreads, std::uint32_t* pairs) {
    constexpr std::size_t width = 16 / lanes;
    std::size_t found = 0;
    for (std::size_t j = 0; j < num_columns; j += 16) {
        Vec bar[width], spread[width];
        for (std::size_t v = 0; v < width; ++v) {
            spread[v] = load<Vec>(column_spreads + j + v * lanes);
            bar[v] = load<Vec>(column_bars + j + v * lanes) - spread[v];
        }
        const auto near = [&](std::size_t i) {
            const Vec row_spread = broadcast(row_spreads[i]), row_bar = broadcast(row_bars[i]) - row_spread;
            std::uint32_t bits = 0;
#pragma GCC unroll 4
            for (std::size_t v = 0; v < width; ++v) {
                const Vec by_row = row_bar - spread[v], by_column = bar[v] - row_spread;
                bits |= not_less(load<Vec>(scores + i * stride + j + v * lanes),
                                 by_row < by_column ? by_row : by_column)
                        << v * lanes;
            }
            return bits;
        };
        for (std::size_t i = 0; i < num_rows; ++i) {
            std::uint32_t bits = near(i);
            if (__builtin_expect(bits == 0, 1)) continue;
            for (; bits; bits &= bits - 1)
                pairs[found++] =
                    static_cast<std::uint32_t>(i << 16 | (j + static_cast<std::size_t>(__builtin_ctz(bits))));
        }
    }
    return found;
}
