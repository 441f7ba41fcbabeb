// The kernels of mutual nearest neighbours among scores.
#include "kernels.hpp"

namespace {

/// Codes as large as may be, offsets and scales that are exact.
void test_byte_scores(const Table& table) {
    using namespace hcbir::kernels;
    for (std::size_t quads = 1; quads <= 40; ++quads) {
        const bool extreme = quads % 2 == 0;
        const auto code = [&](int most) {
            return extreme ? (whole(0, 1) ? most : -most) : whole(-most, most);
        };
        std::vector<std::int8_t> codes(quads * 4 * byte_tile_queries);
        std::vector<std::uint8_t> rows(quads * 4 * byte_panel_rows);
        for (auto& x : codes) x = static_cast<std::int8_t>(code(table.score_query_limit));
        for (auto& x : rows) x = static_cast<std::uint8_t>(code(127) + 128);
        std::vector<std::int32_t> start(byte_tile_queries);
        const Floats scale(byte_tile_queries, 0.25f), offset = whole_floats(byte_tile_queries),
                                                      offsets = whole_floats(byte_panel_rows);
        const std::size_t stride = byte_panel_rows + quads % 3;
        Floats scores((byte_tile_queries - 1) * stride + byte_panel_rows, 7.0f), expected = scores;
        for (std::size_t i = 0; i < byte_tile_queries; ++i)
            for (std::size_t j = 0; j < byte_panel_rows; ++j) {
                std::int32_t product = 0;
                for (std::size_t c = 0; c < 4 * quads; ++c) {
                    const int query = codes[c / 4 * 4 * byte_tile_queries + 4 * i + c % 4];
                    product += query * (rows[c / 4 * 4 * byte_panel_rows + 4 * j + c % 4] - 128);
                    if (j == 0) start[i] -= 128 * query;
                }
                expected[i * stride + j] = static_cast<float>(product) * 0.125f + (offset[i] + offsets[j]);
            }
        table.byte_scores({codes.data(), start.data(), scale.data(), offset.data()}, rows.data(), quads, 0.5f,
                          offsets.data(), scores.data(), stride);
        agree(same(scores, expected), table, "byte_scores", {quads});
    }
}

void test_best_two(const Table& table) {
    for (std::size_t columns = 16; columns <= 112; columns += 16)
        for (std::size_t rows = 0; rows <= 5; ++rows) {
            const std::size_t stride = columns + rows % 3;
            Floats scores = whole_floats(rows * stride), first(rows), second(rows), largest(rows), next(rows);
            for (std::size_t i = 0; i < rows; ++i) {
                for (std::size_t j = columns - static_cast<std::size_t>(whole(0, 15)); j < columns; ++j)
                    scores[i * stride + j] = -infinity;
                Floats sorted(scores.begin() + static_cast<std::ptrdiff_t>(i * stride),
                              scores.begin() + static_cast<std::ptrdiff_t>(i * stride + columns));
                std::sort(sorted.rbegin(), sorted.rend());
                largest[i] = sorted[0], next[i] = sorted[1];
            }
            table.best_two(scores.data(), stride, rows, columns, first.data(), second.data());
            agree(first == largest && second == next, table, "best_two", {columns, rows});
        }
}

void test_near_pairs(const Table& table) {
    for (std::size_t columns = 16; columns <= 112; columns += 16)
        for (std::size_t rows = 0; rows <= 9; ++rows) {
            const std::size_t stride = columns + rows % 3, padding = columns / 16 % 5;
            Floats scores = whole_floats(rows * stride), best = whole_floats(columns), bars(rows);
            for (std::size_t j = columns - padding; j < columns; ++j) {
                best[j] = infinity;
                for (std::size_t i = 0; i < rows; ++i) scores[i * stride + j] = -infinity;
            }
            for (float& bar : bars) bar = static_cast<float>(whole(4, 9));
            Floats raised = best;
            for (std::size_t i = 0; i < rows; ++i)
                for (std::size_t j = 0; j < columns; ++j)
                    raised[j] = std::max(raised[j], scores[i * stride + j]);
            Indices expected, pairs(rows * columns);
            for (std::size_t i = 0; i < rows; ++i)
                for (std::size_t j = 0; j < columns - padding; ++j) {
                    const float score = scores[i * stride + j];
                    if (score >= bars[i] || score >= raised[j] - 2)
                        expected.push_back(static_cast<std::uint32_t>(i << 16 | j));
                }
            pairs.resize(table.near_pairs(scores.data(), stride, rows, columns, bars.data(), 2, best.data(),
                                          pairs.data()));
            std::sort(pairs.begin(), pairs.end());
            agree(pairs == expected && best == raised, table, "near_pairs", {columns, rows});
        }
}

}  // namespace

int main() { at_every_level({test_byte_scores, test_best_two, test_near_pairs}); }
