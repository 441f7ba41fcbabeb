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

/// What near_pairs looks at.
struct NearScores {
    const float* scores;
    std::size_t stride;
    const float *row_bars, *row_spreads, *column_bars, *column_spreads;
};

inline float widest(const float* spreads, std::size_t count) {
    Vec most = {};
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) most = larger(load<Vec>(spreads + i), most);
    return largest_of(larger(load_some(spreads + i, count - i), most));
}

/// Of rows begin .. end - 1, at most near_rows, and 16 * width columns from `column` on. With the widest
/// spreads there is one bar a row and one a column, by which most rows have no pairs. The others are noted
/// first, so that branches on them do not hold up what follows.
constexpr std::size_t near_rows = 64;
template <std::size_t width>
inline std::uint32_t* near_pairs_of(const NearScores& all, std::size_t begin, std::size_t end,
                                    std::size_t column, const float (&bars)[near_rows], float widest_row,
                                    std::uint32_t* pairs) {
    constexpr std::size_t vectors = 16 * width / lanes;
    Vec column_bars[vectors], spreads[vectors], lower_bars[vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < vectors; ++v) {
        spreads[v] = load<Vec>(all.column_spreads + column + v * lanes);
        column_bars[v] = load<Vec>(all.column_bars + column + v * lanes) - spreads[v];
        lower_bars[v] = column_bars[v] - broadcast(widest_row);
    }
    const float* scores = all.scores + column;
    std::uint32_t rows[near_rows];
    std::size_t num_rows = 0;
    for (std::size_t i = begin; i < end; ++i) {
        const Vec bar = broadcast(bars[i - begin]);
        std::uint32_t near = 0;
#pragma GCC unroll 8
        for (std::size_t v = 0; v < vectors; ++v)
            near |= not_less(load<Vec>(scores + i * all.stride + v * lanes),
                             bar < lower_bars[v] ? bar : lower_bars[v]);
        rows[num_rows] = static_cast<std::uint32_t>(i);
        num_rows += near != 0;
    }
    for (std::size_t r = 0; r < num_rows; ++r) {
        const std::size_t i = rows[r];
        const Vec spread = broadcast(all.row_spreads[i]), bar = broadcast(all.row_bars[i]) - spread;
        std::uint32_t near = 0;
#pragma GCC unroll 8
        for (std::size_t v = 0; v < vectors; ++v) {
            const Vec by_row = bar - spreads[v], by_column = column_bars[v] - spread;
            near |= not_less(load<Vec>(scores + i * all.stride + v * lanes),
                             by_row < by_column ? by_row : by_column)
                    << v * lanes;
        }
        for (; near; near &= near - 1)
            *pairs++ = static_cast<std::uint32_t>(i << 16 |
                                                  (column + static_cast<std::size_t>(__builtin_ctz(near))));
    }
    return pairs;
}

std::size_t near_pairs(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                       const float* row_bars, const float* row_spreads, const float* column_bars,
                       const float* column_spreads, std::uint32_t* pairs) {
    const NearScores all{scores, stride, row_bars, row_spreads, column_bars, column_spreads};
    const float widest_column = widest(column_spreads, num_columns);
    std::uint32_t* found = pairs;
    for (std::size_t begin = 0; begin < num_rows; begin += near_rows) {
        const std::size_t end = num_rows - begin < near_rows ? num_rows : begin + near_rows;
        const float widest_row = widest(row_spreads + begin, end - begin);
        float bars[near_rows];
        for (std::size_t i = begin; i < end; ++i)
            bars[i - begin] = row_bars[i] - row_spreads[i] - widest_column;
        std::size_t j = 0;
        for (; j + 32 <= num_columns; j += 32)
            found = near_pairs_of<2>(all, begin, end, j, bars, widest_row, found);
        if (j < num_columns) found = near_pairs_of<1>(all, begin, end, j, bars, widest_row, found);
    }
    return static_cast<std::size_t>(found - pairs);
}
