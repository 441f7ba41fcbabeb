// What may be nearest, in both directions, among the scores of a block of rows and columns.

/// The largest of each lane.
struct Largest {
    Vec first = broadcast(-__builtin_inff());

    void take(Vec score) { first = score > first ? score : first; }
    template <std::size_t count>
    void join() {
        first = broadcast(largest_of(first));
    }
};

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
    const auto raise = [&](auto& rows) {
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
            first[i] = rows[i].first[0];
        }
    };
    if (!second) {
        Largest rows[count];
        return raise(rows);
    }
    LargestTwo rows[count];
    raise(rows);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) second[i] = rows[i].second[0];
}

void raise_best(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                float* first, float* second, float* column_best) {
    std::size_t i = 0;
    const auto next = [&]<std::size_t count>() {
        raise_best_of<count>(scores + i * stride, stride, num_columns, first + i,
                             second ? second + i : nullptr, column_best);
        i += count;
    };
    while (i + 4 <= num_rows) next.template operator()<4>();
    while (i < num_rows) next.template operator()<1>();
}

/// Of up to near_rows rows and 16 * width columns from column j on. Rows with such pairs are noted first, so
/// that the branches on what was found do not wait for it.
constexpr std::size_t near_rows = 64;
template <std::size_t width>
inline std::size_t near_pairs_of(const float* scores, std::size_t stride, std::size_t first,
                                 std::size_t num_rows, std::size_t j, const float* row_bars,
                                 const float* row_spreads, const float* column_bars,
                                 const float* column_spreads, std::uint32_t* pairs) {
    constexpr std::size_t vectors = 16 * width / lanes;
    Vec bar[vectors], spread[vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < vectors; ++v) {
        spread[v] = load<Vec>(column_spreads + j + v * lanes);
        bar[v] = load<Vec>(column_bars + j + v * lanes) - spread[v];
    }
    std::uint32_t bits[near_rows], rows[near_rows];
    std::size_t num_found = 0;
    for (std::size_t i = first; i < first + num_rows; ++i) {
        const Vec row_spread = broadcast(row_spreads[i]), row_bar = broadcast(row_bars[i]) - row_spread;
        std::uint32_t near = 0;
#pragma GCC unroll 8
        for (std::size_t v = 0; v < vectors; ++v) {
            const Vec by_row = row_bar - spread[v], by_column = bar[v] - row_spread;
            near |= not_less(load<Vec>(scores + i * stride + j + v * lanes),
                             by_row < by_column ? by_row : by_column)
                    << v * lanes;
        }
        bits[num_found] = near, rows[num_found] = static_cast<std::uint32_t>(i);
        num_found += near != 0;
    }
    std::uint32_t* end = pairs;
    for (std::size_t f = 0; f < num_found; ++f)
        for (std::uint32_t left = bits[f]; left; left &= left - 1)
            *end++ = rows[f] << 16 |
                     (static_cast<std::uint32_t>(j) + static_cast<std::uint32_t>(__builtin_ctz(left)));
    return static_cast<std::size_t>(end - pairs);
}

std::size_t near_pairs(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                       const float* row_bars, const float* row_spreads, const float* column_bars,
                       const float* column_spreads, std::uint32_t* pairs) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < num_rows; i += near_rows) {
        const std::size_t count = num_rows - i < near_rows ? num_rows - i : near_rows;
        std::size_t j = 0;
        const auto next = [&]<std::size_t width>() {
            found += near_pairs_of<width>(scores, stride, i, count, j, row_bars, row_spreads, column_bars,
                                          column_spreads, pairs + found);
            j += 16 * width;
        };
        while (j + 32 <= num_columns) next.template operator()<2>();
        if (j < num_columns) next.template operator()<1>();
    }
    return found;
}
