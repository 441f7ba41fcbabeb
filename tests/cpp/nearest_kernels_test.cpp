// The kernels of mutual nearest neighbours among scores.
#include "kernels.hpp"

namespace {

void test_raise_best(const Table& table) {
    for (std::size_t columns = 16; columns <= 112; columns += 16)
        for (std::size_t rows = 0; rows <= 13; ++rows) {
            const std::size_t stride = columns + rows % 3;
            Floats scores = whole_floats(rows * stride), best = whole_floats(columns);
            Floats first(rows), second(rows), largest(rows), next(rows), raised = best;
            for (std::size_t i = 0; i < rows; ++i) {
                for (std::size_t j = columns - static_cast<std::size_t>(whole(0, 15)); j < columns; ++j)
                    scores[i * stride + j] = -infinity;
                Floats sorted(scores.begin() + static_cast<std::ptrdiff_t>(i * stride),
                              scores.begin() + static_cast<std::ptrdiff_t>(i * stride + columns));
                for (std::size_t j = 0; j < columns; ++j) raised[j] = std::max(raised[j], sorted[j]);
                std::sort(sorted.rbegin(), sorted.rend());
                largest[i] = sorted[0], next[i] = sorted[1];
            }
            const bool with_second = whole(0, 1) == 1;
            if (!with_second) next = second;
            table.raise_best(scores.data(), stride, rows, columns, first.data(),
                             with_second ? second.data() : nullptr, best.data());
            agree(first == largest && second == next && best == raised, table, "raise_best", {columns, rows});
        }
}

void test_near_pairs(const Table& table) {
    for (std::size_t columns = 16; columns <= 112; columns += 16)
        for (const std::size_t rows : {0, 1, 2, 9, 64, 65, 130}) {
            const std::size_t stride = columns + rows % 3, padding = columns / 16 % 5;
            Floats scores = whole_floats(rows * stride), row_bars(rows), column_bars(columns);
            Floats row_spreads(rows), column_spreads(columns);
            for (float& bar : row_bars) bar = static_cast<float>(whole(4, 9));
            for (float& bar : column_bars) bar = static_cast<float>(whole(4, 9));
            for (float& spread : row_spreads) spread = static_cast<float>(whole(0, 2));
            for (float& spread : column_spreads) spread = static_cast<float>(whole(0, 2));
            for (std::size_t j = columns - padding; j < columns; ++j) {
                column_bars[j] = infinity;
                for (std::size_t i = 0; i < rows; ++i) scores[i * stride + j] = -infinity;
            }
            Indices expected, pairs(rows * columns);
            for (std::size_t i = 0; i < rows; ++i)
                for (std::size_t j = 0; j < columns - padding; ++j) {
                    const float highest = scores[i * stride + j] + row_spreads[i] + column_spreads[j];
                    if (highest >= row_bars[i] || highest >= column_bars[j])
                        expected.push_back(static_cast<std::uint32_t>(i << 16 | j));
                }
            pairs.resize(table.near_pairs(scores.data(), stride, rows, columns, row_bars.data(),
                                          row_spreads.data(), column_bars.data(), column_spreads.data(),
                                          pairs.data()));
            std::sort(pairs.begin(), pairs.end());
            agree(pairs == expected, table, "near_pairs", {columns, rows});
        }
}

}  // namespace

int main() { at_every_level({test_raise_best, test_near_pairs}); }
