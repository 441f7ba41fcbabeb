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
                       const float* row_bars, const float* row_spreads, const float* column_spreads,
                       float* column_best, std::uint32_t* pairs) {
    std::size_t found = 0;
    for (std::size_t j = 0; j < num_columns; j += lanes) {
        const float* score = scores + j;
        Vec best = load<Vec>(column_best + j), other = best;
        std::size_t i = 0;
        for (; i + 2 <= num_rows; i += 2, score += 2 * stride) {
            const Vec a = load<Vec>(score), b = load<Vec>(score + stride);
            best = a > best ? a : best;
            other = b > other ? b : other;
        }
        if (i < num_rows) other = load<Vec>(score) > other ? load<Vec>(score) : other;
        best = best > other ? best : other;
        store(column_best + j, best);

        const Vec spread = load<Vec>(column_spreads + j);
        const auto near = [&](std::size_t row) {
            const Vec row_bar = broadcast(row_bars[row]);
            return not_less(load<Vec>(score + row * stride),
                            (row_bar < best ? row_bar : best) - (spread + broadcast(row_spreads[row])));
        };
        const auto take = [&](std::size_t row, std::uint32_t bits) {
            for (; bits; bits &= bits - 1)
                pairs[found++] = static_cast<std::uint32_t>(
                    row << 16 | (j + static_cast<std::size_t>(__builtin_ctz(bits))));
        };
        score = scores + j;
        for (i = 0; i + 2 <= num_rows; i += 2) {
            const std::uint32_t first = near(i), second = near(i + 1);
            if (__builtin_expect((first | second) == 0, 1)) continue;
            take(i, first);
            take(i + 1, second);
        }
        if (i < num_rows) take(i, near(i));
    }
    return found;
}
