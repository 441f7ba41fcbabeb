// The kernels of bytes and bits.
#include <bit>

#include "kernels.hpp"

namespace {

void test_quantize_rows(const Table& table) {
    for (std::size_t dim = 1; dim <= 70; ++dim)
        for (std::size_t count = 0; count <= 5; ++count) {
            const std::size_t stride = dim + count % 3, quads = (dim + 3) / 4, quad_stride = 4 * count + 8;
            Floats rows = real_floats(count * stride), multipliers(count), lengths(count), residuals(count);
            const std::uint8_t flip = whole(0, 1) ? 128 : 0;
            std::vector<std::uint8_t> codes(quads * quad_stride, 99), expected = codes;
            Floats true_lengths(count), true_residuals(count);
            for (std::size_t j = 0; j < count; ++j) {
                float* row = rows.data() + j * stride;
                float most = 1e-9f;
                for (std::size_t c = 0; c < dim; ++c) most = std::max(most, std::fabs(row[c]));
                multipliers[j] = 127 / most;
                if (j == 4) row[whole(0, static_cast<int>(dim) - 1)] = dim % 2 ? not_a_number : infinity;
                for (std::size_t c = 0; c < 4 * quads; ++c) {
                    const float scaled = c < dim ? row[c] * multipliers[j] : 0,
                                rounded = std::nearbyint(scaled);
                    true_lengths[j] += rounded * rounded;
                    true_residuals[j] += (scaled - rounded) * (scaled - rounded);
                    if (std::isfinite(scaled))
                        expected[c / 4 * quad_stride + 4 * j + c % 4] =
                            static_cast<std::uint8_t>(static_cast<std::int8_t>(rounded)) ^ flip;
                }
            }
            table.quantize_rows(rows.data(), stride, count, dim, multipliers.data(), flip, codes.data(),
                                quad_stride, lengths.data(), residuals.data());
            for (std::size_t j = 0; j < count; ++j) {
                const bool finite = j != 4;
                agree(finite ? lengths[j] == true_lengths[j] &&
                                   std::fabs(residuals[j] - true_residuals[j]) <= 1e-5f * true_residuals[j]
                             : std::isnan(residuals[j]),
                      table, "quantize_rows", {dim, count, j});
                for (std::size_t b = 0; !finite && b < quads; ++b)  // what stands there is undefined
                    std::copy_n(&expected[b * quad_stride + 4 * j], 4, &codes[b * quad_stride + 4 * j]);
            }
            agree(codes == expected, table, "quantize_rows: codes", {dim, count});
        }
}

/// What is left of a query's value by its code, in 16ths, as four bits say it.
int rest_of(float scaled) {
    return std::min(7, static_cast<int>(std::nearbyint((scaled - std::nearbyint(scaled)) * 16)));
}

void test_quantize_rests(const Table& table) {
    constexpr std::size_t block = hcbir::kernels::rest_block;
    for (std::size_t dim = 0; dim <= 300; ++dim) {
        Floats row = real_floats(dim);
        float most = 1e-9f;
        for (const float x : row) most = std::max(most, std::fabs(x));
        const float multiplier = dim % 3 == 0 ? 8.0f : 127 / most;
        for (std::size_t c = 0; c < dim && dim % 3 == 0; ++c)  // halves and other ties
            row[c] = static_cast<float>(whole(-8, 8)) / 16 + static_cast<float>(whole(-8, 8)) / 256;
        std::vector<std::uint8_t> rests((dim + block - 1) / block * block / 2, 99), expected = rests;
        double values = 0, left = 0;
        for (std::size_t c = 0; c < 2 * rests.size(); ++c) {
            const float scaled = c < dim ? row[c] * multiplier : 0, code = std::nearbyint(scaled);
            const int rest = rest_of(scaled);
            const double value = code + rest / 16.0, beyond = (double{scaled} - value) * 16;
            values += value * value, left += beyond * beyond;
            std::uint8_t& byte = expected[c / block * block / 2 + c % (block / 2)];
            const auto bits = static_cast<std::uint8_t>(rest + 8);
            byte = static_cast<std::uint8_t>(c % block < block / 2 ? (byte & 0xf0) | bits
                                                                   : (byte & 0x0f) | bits << 4);
        }
        const auto squares = table.quantize_rests(row.data(), dim, multiplier, rests.data());
        agree(rests == expected, table, "quantize_rests", {dim});
        agree(std::fabs(squares.values - values) <= 1e-5 * values &&
                  std::fabs(squares.left - left) <= 1e-5 * left,
              table, "quantize_rests: squares", {dim});
        if (dim == 0) continue;
        row[static_cast<std::size_t>(whole(0, static_cast<int>(dim) - 1))] =
            dim % 2 ? not_a_number : infinity;
        const float unknown = table.quantize_rests(row.data(), dim, multiplier, rests.data()).left;
        agree(std::isnan(unknown), table, "quantize_rests: not finite", {dim});
    }
}

void test_rest_dots(const Table& table) {
    using namespace hcbir::kernels;
    for (std::size_t blocks = 0; blocks <= max_byte_dim / rest_block; blocks += blocks < 5 ? 1 : 251)
        for (std::size_t count = 0; count <= 13; ++count) {
            const bool extreme = whole(0, 2) == 0;
            auto row = whole_bits<std::uint8_t>(blocks * rest_block);
            std::vector<std::vector<std::uint8_t>> rests;
            std::vector<const std::uint8_t*> pointers;
            if (extreme) std::fill(row.begin(), row.end(), std::uint8_t{0});  // -128, at most 127 in truth
            for (std::size_t i = 0; i < count; ++i) {
                rests.push_back(whole_bits<std::uint8_t>(blocks * rest_block / 2));
                if (extreme) std::fill(rests[i].begin(), rests[i].end(), i % 2 ? 0xff : 0);
            }
            for (const auto& rest : rests) pointers.push_back(rest.data());
            std::vector<std::int32_t> products(count, 99), expected(count);
            for (std::size_t i = 0; i < count; ++i)
                for (std::size_t c = 0; c < blocks * rest_block; ++c) {
                    const int byte = rests[i][c / rest_block * rest_block / 2 + c % (rest_block / 2)];
                    const int rest = (c % rest_block < rest_block / 2 ? byte & 15 : byte >> 4) - 8;
                    expected[i] += rest * (row[c] - 128);
                }
            table.rest_dots(row.data(), pointers.data(), count, blocks, products.data());
            agree(products == expected, table, "rest_dots", {blocks, count});
        }
}

/// Codes of vectors, column c of vector v at [c / 4 * 4 * vectors + 4 * v + c % 4], each half block within
/// the bounds: of one magnitude, or a few of the largest, or any. Where `aligned`, all have the same signs,
/// which makes products as large as they come.
std::vector<int> bounded_codes(std::size_t vectors, std::size_t dim, float most, float length, bool aligned) {
    constexpr std::size_t block = hcbir::kernels::byte_block;
    std::vector<int> codes(vectors * dim);
    for (std::size_t v = 0; v < vectors; ++v)
        for (std::size_t begin = 0; begin < dim; begin += block)
            for (const std::size_t half : {0, 2}) {
                const int kind = whole(0, 2),
                          level = static_cast<int>(std::min(most, length / std::sqrt(32.0f)));
                float left = length * length;
                for (std::size_t c = begin; c < std::min(dim, begin + block); ++c) {
                    if (c % 4 / 2 != half / 2) continue;
                    const int largest = static_cast<int>(std::min(most, std::sqrt(left)));
                    const int size = kind == 0 ? level : kind == 1 ? largest : whole(0, largest);
                    const bool negative = aligned ? c % 5 < 2 : whole(0, 1);
                    codes[c / 4 * 4 * vectors + 4 * v + c % 4] = negative ? -size : size;
                    left -= static_cast<float>(size * size);
                }
            }
    return codes;
}

/// Codes of a tile of queries and of a panel of rows, as large as a level lets them be.
struct Codes {
    std::vector<std::int8_t> queries;
    std::vector<std::uint8_t> rows;  // 128 more than they mean

    Codes(const Table& table, std::size_t quads, bool extreme) {
        using namespace hcbir::kernels;
        const auto query_codes = bounded_codes(byte_tile_queries, 4 * quads, table.byte_limits.code,
                                               table.byte_limits.half_block, extreme);
        const auto row_codes = bounded_codes(byte_panel_rows, 4 * quads, 127, max_row_half_block, extreme);
        queries.assign(query_codes.begin(), query_codes.end());
        for (const auto code : row_codes) rows.push_back(static_cast<std::uint8_t>(code + 128));
    }

    /// As in ByteQueries, where blocks of columns are cut in two at `head`.
    std::vector<std::int16_t> block_starts(std::size_t quads, std::size_t head) const {
        using namespace hcbir::kernels;
        constexpr std::size_t quads_of_block = byte_block / 4, starts_of_block = 2 * byte_tile_queries;
        const bool cut = head % quads_of_block != 0 && head < quads;
        std::vector<std::int16_t> starts(((quads + quads_of_block - 1) / quads_of_block + cut) *
                                         starts_of_block);
        for (std::size_t k = 0; k < queries.size(); ++k) {  // modulo 2^16
            const std::size_t quad = k / 4 / byte_tile_queries, query = k / 4 % byte_tile_queries;
            const std::size_t block = quad / quads_of_block + (cut && quad >= head);
            auto& sum = starts[block * starts_of_block + 2 * query + k % 4 / 2];
            sum = static_cast<std::int16_t>(sum - 128 * queries[k]);
        }
        return starts;
    }
};

/// A tile and a panel with bounds as quantising gives them, and bars in the midst of the scores.
void test_byte_tile(const Table& table, std::size_t num_queries, std::size_t quads, bool extreme) {
    using namespace hcbir::kernels;
    const Codes both(table, quads, extreme);
    const auto& codes = both.queries;
    const auto& rows = both.rows;
    const auto head = static_cast<std::size_t>(whole(1, static_cast<int>(quads)));
    const auto block_start = both.block_starts(quads, head);
    const int shift = head == quads || quads > 1000 ? 0 : 2 * whole(0, 3);  // lest sums overflow
    std::vector<std::int32_t> head_start(byte_tile_queries), tail_start(byte_tile_queries),
        expected(byte_tile_queries * byte_panel_rows);
    Floats tail(16), row_tail(byte_panel_rows);  // squares, then lengths, in units of the head
    for (std::size_t c = 0; c < 4 * quads; ++c) {
        const auto row_code = [&](std::size_t j) {
            return rows[c / 4 * 4 * byte_panel_rows + 4 * j + c % 4] - 128;
        };
        for (std::size_t i = 0; i < byte_tile_queries; ++i) {
            const int q = codes[c / 4 * 4 * byte_tile_queries + 4 * i + c % 4];
            (c < 4 * head ? head_start : tail_start)[i] -= 128 * q;
            if (c >= 4 * head) tail[i] += static_cast<float>(q * q);
            for (std::size_t j = 0; j < byte_panel_rows; ++j)
                expected[i * byte_panel_rows + j] += (q * row_code(j)) << (c < 4 * head ? shift : 0);
        }
        for (std::size_t j = 0; j < byte_panel_rows && c >= 4 * head; ++j)
            row_tail[j] += static_cast<float>(row_code(j) * row_code(j));
    }
    const float finer = std::ldexp(1.0f, shift / 2);
    for (float& length : tail) length = std::sqrt(length) * (1 + 1e-5f) / finer;
    for (float& length : row_tail) length = std::sqrt(length) * (1 + 1e-5f) / finer;
    const float longest_tail = *std::max_element(row_tail.begin(), row_tail.end());
    const std::size_t head_bytes = 4 * byte_panel_rows * head;
    std::vector<std::uint8_t> heads(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(head_bytes)),
        tails(rows.begin() + static_cast<std::ptrdiff_t>(head_bytes), rows.end());
    for (const float length : row_tail)
        heads.push_back(
            static_cast<std::uint8_t>(longest_tail > 0 ? std::ceil(length / longest_tail * 255) : 0));
    Floats bar(16), multiplier(16, 120.0f), residual = real_floats(16), length(16);
    const float norm = 127 * std::sqrt(static_cast<float>(4 * quads));
    const bool known = whole(0, 9) != 0;
    const BytePanel panel{known ? 90.0f : not_a_number, norm, whole(0, 1) ? 0.5f : 0.0f, 0.25f, longest_tail};
    for (std::size_t i = 0; i < 16; ++i) {
        residual[i] = std::fabs(residual[i]), length[i] = norm;
        const int near =
            expected[(i % byte_tile_queries) * byte_panel_rows + static_cast<std::size_t>(whole(0, 31))];
        const float error = residual[i] * panel.length + length[i] * panel.residual;
        bar[i] = (std::ldexp(static_cast<float>(near), -shift) + error) / (multiplier[i] * 90) + panel.offset;
        if (whole(0, 3) == 0) bar[i] = whole(0, 1) ? infinity : (whole(0, 1) ? -infinity : not_a_number);
    }
    ByteHits hits{};
    ByteQueries queries{
        codes.data(),     bar.data(),  multiplier.data(), residual.data(),   length.data(),     head, shift,
        whole(0, 1) != 0, tail.data(), head_start.data(), tail_start.data(), block_start.data()};
    const PanelCodes both_parts{heads.data(), tails.data()};
    const std::uint32_t found = table.byte_tile(queries, num_queries, both_parts, quads, panel, hits);
    agree(hits.num_left <= hits.num_strips && (queries.may_leave || hits.num_left == 0), table,
          "byte_tile: strips left", {num_queries, quads});
    agree(found >> num_queries == 0, table, "byte_tile: queries", {num_queries, quads});
    for (std::size_t i = 0; i < num_queries; ++i) {
        const double scale = double{multiplier[i]} * panel.multiplier;
        const double error = double{residual[i]} * panel.length + double{length[i]} * panel.residual;
        const double least = std::ldexp((double{bar[i]} - panel.offset) * scale - error, shift);
        const double slack =
            std::ldexp(((std::fabs(bar[i]) + panel.offset) * scale + error) / (1 << 18) + 8, shift);
        const std::uint32_t bits = found >> i & 1 ? hits.rows[i] : 0;
        agree((found >> i & 1) == (hits.rows[i] != 0), table, "byte_tile: found", {num_queries, quads, i});
        for (std::size_t j = 0; j < byte_panel_rows; ++j) {
            const std::int32_t product = expected[i * byte_panel_rows + j];
            const bool passed = bits >> j & 1;
            if (passed)
                agree(hits.products[i * byte_panel_rows + j] == product, table, "byte_tile",
                      {num_queries, quads});
            if (!(product < least)) agree(passed, table, "byte_tile: left out", {num_queries, quads, i, j});
            if (std::isfinite(slack) && product < least - slack)
                agree(!passed, table, "byte_tile: not left out", {num_queries, quads, i, j});
        }
    }
    if (!known) return;
    const Floats beyond(16, 1e6f * norm);
    ByteHits none{};
    queries.bar = beyond.data(), queries.may_leave = true;
    agree(table.byte_tile(queries, num_queries, both_parts, quads, panel, none) == 0 && none.num_strips > 0 &&
              none.num_left == none.num_strips,
          table, "byte_tile: all strips left", {num_queries, quads});
    const auto only = static_cast<std::size_t>(whole(0, static_cast<int>(num_queries) - 1));
    Floats one = beyond;
    one[only] = -infinity;
    ByteHits alone{};
    queries.bar = one.data();
    const std::uint32_t one_found = table.byte_tile(queries, num_queries, both_parts, quads, panel, alone);
    agree(
        one_found == 1u << only && alone.rows[only] == 0xffffffff &&
            std::equal(alone.products + only * byte_panel_rows, alone.products + (only + 1) * byte_panel_rows,
                       expected.data() + only * byte_panel_rows),
        table, "byte_tile: one query goes on", {num_queries, quads, only});
}

void test_byte_tiles(const Table& table) {
    for (std::size_t num_queries = 1; num_queries <= hcbir::kernels::byte_tile_queries; ++num_queries) {
        for (std::size_t quads = 1; quads <= 40; ++quads)
            test_byte_tile(table, num_queries, quads, quads % 2);
        test_byte_tile(table, num_queries, hcbir::kernels::max_byte_dim / 4, true);
    }
}

void test_byte_scores(const Table& table) {
    using namespace hcbir::kernels;
    for (std::size_t quads = 1; quads <= 40; ++quads) {
        const Codes both(table, quads, quads % 2);
        const auto& codes = both.queries;
        const auto& rows = both.rows;
        const auto block_start = both.block_starts(quads, quads);
        std::vector<std::int32_t> start(byte_tile_queries);
        for (std::size_t k = 0; k < codes.size(); ++k) start[k / 4 % byte_tile_queries] -= 128 * codes[k];
        const std::size_t stride = byte_panel_rows + quads % 3;
        const Floats scale = real_floats(byte_tile_queries), offset = real_floats(byte_tile_queries);
        const Floats scales = real_floats(byte_panel_rows), offsets = real_floats(byte_panel_rows);
        Floats scores(byte_tile_queries * stride);
        table.byte_scores({codes.data(), start.data(), block_start.data(), scale.data(), offset.data()},
                          rows.data(), quads, scales.data(), offsets.data(), scores.data(), stride);
        for (std::size_t i = 0; i < byte_tile_queries; ++i)
            for (std::size_t j = 0; j < byte_panel_rows; ++j) {
                double product = 0;
                for (std::size_t c = 0; c < 4 * quads; ++c)
                    product += codes[c / 4 * 4 * byte_tile_queries + 4 * i + c % 4] *
                               (rows[c / 4 * 4 * byte_panel_rows + 4 * j + c % 4] - 128);
                const double scaled = product * scale[i] * scales[j], added = double{offset[i]} + offsets[j];
                const double error = std::fabs(scores[i * stride + j] - (scaled + added));
                agree(error <= 1e-6 * (std::fabs(scaled) + std::fabs(offset[i]) + std::fabs(offsets[j])),
                      table, "byte_scores", {quads, i, j});
            }
    }
}

void test_blend_bytes(const Table& table) {
    using namespace hcbir::kernels;
    for (std::size_t width = 0; width <= 150; ++width)
        for (std::size_t count = 1; count <= 9; ++count) {
            const std::size_t stride = width + count % 3;
            const auto rows = whole_bits<std::uint8_t>((count - 1) * stride + width);
            // As much as is allowed, so that sums leave 0 .. 255 at both ends.
            const int most = 2 * blend_one / static_cast<int>(count);
            std::vector<std::int16_t> high(count + count % 2), low(high.size());
            std::vector<std::int64_t> sums(width, blend_one / 2);
            for (std::size_t t = 0; t < count; ++t) {
                const int weight = whole(count % 2 ? -most : -most / 4, most);
                high[t] = static_cast<std::int16_t>(weight >> blend_low_bits);
                low[t] = static_cast<std::int16_t>(weight & ((1 << blend_low_bits) - 1));
                for (std::size_t j = 0; j < width; ++j)
                    sums[j] += std::int64_t{weight} * rows[t * stride + j];
            }
            std::vector<std::uint8_t> out(width), expected(width);
            for (std::size_t j = 0; j < width; ++j)
                expected[j] =
                    static_cast<std::uint8_t>(std::clamp<std::int64_t>(sums[j] >> blend_bits, 0, 255));
            table.blend_bytes(rows.data(), stride, {high.data(), low.data(), count}, width, out.data());
            agree(out == expected, table, "blend_bytes", {width, count});
        }
}

void test_nearest_bits(const Table& table) {
    const std::size_t width = table.tile_rows, lanes = table.row_lanes;
    for (std::size_t num_words = 1; num_words <= 70; ++num_words)
        for (std::size_t count = 0; count <= 4; ++count) {
            const std::size_t stride = 4 * num_words + count % 3;
            auto panel = whole_bits<std::uint32_t>(num_words * width);
            const auto rows = whole_bits<std::uint8_t>(count * stride);
            if (num_words % 2) std::fill(panel.begin(), panel.end(), 0u);  // ties
            Indices columns(width), first(width, ~0u), second(width, ~0u), by_row(count * lanes, ~0u);
            for (std::size_t l = 0; l < width; ++l) columns[l] = static_cast<std::uint32_t>(l + 500);
            Indices true_first = first, true_second = second, true_by_row = by_row;
            for (std::size_t i = 0; i < count; ++i)
                for (std::size_t l = 0; l < width; ++l) {
                    std::uint32_t distance = 0;
                    for (std::size_t b = 0; b < 4 * num_words; ++b)
                        distance += static_cast<std::uint32_t>(std::popcount(static_cast<std::uint8_t>(
                            rows[i * stride + b] ^ panel[b / 4 * width + l] >> b % 4 * 8)));
                    const std::uint32_t key = distance << 16 | (40 + static_cast<std::uint32_t>(i));
                    true_second[l] = std::min(true_second[l], std::max(true_first[l], key));
                    true_first[l] = std::min(true_first[l], key);
                    auto& nearest = true_by_row[i * lanes + l % lanes];
                    nearest = std::min(nearest, distance << 16 | columns[l]);
                }
            table.nearest_bits(panel.data(), columns.data(), rows.data(), stride, count, num_words, 40,
                               {first.data(), second.data()}, by_row.data());
            agree(first == true_first && second == true_second && by_row == true_by_row, table,
                  "nearest_bits", {num_words, count});
        }
}

/// Rows enough for positions that a byte does not hold, and distances beyond 255.
void test_nearest_short_bits(const Table& table) {
    using hcbir::kernels::bit_chunk, hcbir::kernels::bit_columns;
    for (std::size_t chunks = 1; chunks <= 5; ++chunks)
        for (const std::size_t count : {0, 1, 2, 3, 255, 256, 257, 600}) {
            const std::size_t length = chunks * bit_chunk;
            auto panel = whole_bits<std::uint8_t>(length * bit_columns),
                 bytes = whole_bits<std::uint8_t>(count * length);
            if (count % 2 && chunks > 1) {  // ties, 0, and all bits
                std::fill(panel.begin(), panel.end(), std::uint8_t{0});
                for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i / length % 3 ? 255 : 0;
            }
            std::vector<std::uint8_t> rows(count * length * 2), distances(count * bit_columns);
            for (std::size_t i = 0; i < count * length; ++i) {
                const std::size_t at = i / bit_chunk * 2 * bit_chunk + i % bit_chunk;
                rows[at] = static_cast<std::uint8_t>(bytes[i] << 4);
                rows[at + bit_chunk] = bytes[i] & 0xf0;
            }
            Indices first(bit_columns, ~0u), by_row(count, ~0u), second_distance(bit_columns, 0xffff);
            Indices true_first = first, true_by_row = by_row, second = first;
            for (std::size_t i = 0; i < count; ++i)
                for (std::size_t l = 0; l < bit_columns; ++l) {
                    std::uint32_t distance = 0;
                    for (std::size_t b = 0; b < length; ++b)
                        distance += static_cast<std::uint32_t>(std::popcount(
                            static_cast<std::uint8_t>(bytes[i * length + b] ^ panel[b * bit_columns + l])));
                    distance = std::min(distance, 255u);
                    const std::uint32_t key = distance << 16 | (40 + static_cast<std::uint32_t>(i));
                    second_distance[l] =
                        std::min(second_distance[l], std::max(true_first[l] >> 16, distance));
                    true_first[l] = std::min(true_first[l], key);
                    true_by_row[i] =
                        std::min(true_by_row[i], distance << 16 | (500 + static_cast<std::uint32_t>(l)));
                }
            table.nearest_short_bits(panel.data(), 500, rows.data(), count, chunks, 40, distances.data(),
                                     {first.data(), second.data()}, by_row.data());
            for (auto& key : second) key >>= 16;
            if (count == 1) second = second_distance;
            agree(first == true_first && by_row == true_by_row && second == second_distance, table,
                  "nearest_short_bits", {chunks, count});
        }
}

}  // namespace

int main() {
    at_every_level({test_quantize_rows, test_quantize_rests, test_rest_dots, test_byte_tiles,
                    test_byte_scores, test_blend_bytes, test_nearest_bits, test_nearest_short_bits});
}
