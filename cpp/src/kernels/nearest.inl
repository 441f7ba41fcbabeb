// What may be nearest, in both directions, among the scores of a block of rows and columns.

void best_two(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
              float* first, float* second) {
    const Vec lowest = broadcast(-__builtin_inff());
    for (std::size_t i = 0; i < num_rows; ++i) {
        Vec best = lowest, next = lowest;
        for (std::size_t j = 0; j < num_columns; j += lanes) {
            const Vec score = load<Vec>(scores + i * stride + j);
            const Vec lesser = score > best ? best : score;
            next = lesser > next ? lesser : next;
            best = score > best ? score : best;
        }
        float largest = best[0], after = next[0];
        for (std::size_t l = 1; l < lanes; ++l) {
            const float lesser = best[l] > largest ? largest : best[l];
            after = lesser > after ? lesser : after;
            after = next[l] > after ? next[l] : after;
            largest = best[l] > largest ? best[l] : largest;
        }
        first[i] = largest, second[i] = after;
    }
}

std::size_t near_pairs(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                       const float* row_bars, float margin, float* column_best, std::uint32_t* pairs) {
    std::size_t found = 0;
    for (std::size_t j = 0; j < num_columns; j += lanes) {
        Vec best = load<Vec>(column_best + j);
        for (std::size_t i = 0; i < num_rows; ++i) {
            const Vec score = load<Vec>(scores + i * stride + j);
            best = score > best ? score : best;
        }
        store(column_best + j, best);
        const Vec column_bar = best - margin;
        for (std::size_t i = 0; i < num_rows; ++i) {
            const Vec row_bar = broadcast(row_bars[i]);
            unsigned near =
                not_less(load<Vec>(scores + i * stride + j), row_bar < column_bar ? row_bar : column_bar);
            for (; near; near &= near - 1)
                pairs[found++] =
                    static_cast<std::uint32_t>(i << 16 | (j + static_cast<std::size_t>(__builtin_ctz(near))));
        }
    }
    return found;
}
