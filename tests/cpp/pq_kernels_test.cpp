// The kernels of product quantisation.
#include <algorithm>
#include <array>
#include <cmath>

#include "kernels.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;
using hcbir::kernels::AdcHit;
using hcbir::kernels::Centroids;
using hcbir::kernels::pq_panel_columns;

/// halves[i] less the products with a vector, dimension after dimension.
float rest_of(const Floats& columns, const Floats& halves, std::size_t stride, std::size_t dim, std::size_t i,
              const float* vector, std::size_t step) {
    float rest = halves[i];
    for (std::size_t d = 0; d < dim; ++d) rest -= columns[d * stride + i] * vector[d * step];
    return rest;
}

/// Centroids in a list, with some numbers left out.
struct List {
    List(std::size_t count, std::size_t dim, Floats (*values)(std::size_t))
        : stride((count + 7) / 8 * 8), columns(stride * dim), halves(stride, infinity), numbers(count) {
        for (std::size_t i = 0; i < count; ++i) {
            halves[i] = values(1)[0];
            numbers[i] = static_cast<std::uint32_t>(i == 0 ? whole(0, 3) : numbers[i - 1] + whole(1, 2));
            for (std::size_t d = 0; d < dim; ++d) columns[d * stride + i] = values(1)[0];
        }
    }
    Centroids view() const { return {columns.data(), stride, halves.data(), numbers.size()}; }

    std::size_t stride;
    Floats columns, halves;
    Indices numbers;
};

Floats some_real(std::size_t count) { return real_floats(count); }
Floats some_whole(std::size_t count) { return whole_floats(count); }

void test_nearest_centroids(const Table& table) {
    for (std::size_t dim = 0; dim <= 12; ++dim)
        for (const std::size_t count : {1, 2, 3, 16, 17, 40, 100}) {
            const auto values = count % 2 ? some_whole : some_real;  // with and without ties
            const List list(count, dim, values);
            constexpr std::size_t num_panels = 3, num_columns = num_panels * pq_panel_columns;
            const Floats panels = values(num_panels * dim * pq_panel_columns);
            Floats rests(num_columns), least(num_columns, infinity);
            Indices nearest(num_columns), expected(num_columns), in_blocks(num_columns), columns, looked_at;
            for (std::size_t i = 0; i < count; ++i)
                if (i == 0 || whole(0, 2)) looked_at.push_back(static_cast<std::uint32_t>(i));
            for (std::size_t j = 0; j < num_columns; ++j) {
                const float* vector =
                    panels.data() + j / pq_panel_columns * dim * pq_panel_columns + j % pq_panel_columns;
                float least_of_all = infinity;
                for (std::size_t i = 0; i < count; ++i) {
                    const float rest =
                        rest_of(list.columns, list.halves, list.stride, dim, i, vector, pq_panel_columns);
                    const auto number = static_cast<std::uint32_t>(i);
                    const bool looked = std::binary_search(looked_at.begin(), looked_at.end(), number);
                    if (looked && rest < least[j]) least[j] = rest, expected[j] = number;
                    if (rest < least_of_all) least_of_all = rest, in_blocks[j] = list.numbers[i];
                }
                if (whole(0, 2)) columns.push_back(static_cast<std::uint32_t>(j));
            }
            for (std::size_t p = 0; p < num_panels; ++p)
                table.nearest_centroids(panels.data() + p * dim * pq_panel_columns, list.view(),
                                        looked_at.data(), looked_at.size(), dim,
                                        rests.data() + p * pq_panel_columns,
                                        nearest.data() + p * pq_panel_columns);
            agree(nearest == expected && same(rests, least), table, "nearest_centroids", {dim, count});

            const std::size_t num_blocks = (count + 7) / 8;
            Floats blocks(num_blocks * 8 * (dim + 1));
            Bytes numbers(num_blocks * 8);
            for (std::size_t i = 0; i < 8 * num_blocks; ++i) {
                float* place = blocks.data() + i % num_blocks * 8 * (dim + 1) + i / num_blocks;
                *place = list.halves[i];
                for (std::size_t d = 0; d < dim; ++d) place[8 * (d + 1)] = list.columns[d * list.stride + i];
                if (i < count) numbers[i] = static_cast<std::uint8_t>(list.numbers[i]);
            }
            Indices found(num_columns, 1000), wanted(num_columns, 1000);
            for (const std::uint32_t j : columns) wanted[j] = in_blocks[j];
            table.nearest_in_blocks(panels.data(), columns.data(), columns.size(),
                                    {blocks.data(), static_cast<std::uint32_t>(num_blocks), numbers.data()},
                                    dim, found.data());
            agree(found == wanted, table, "nearest_in_blocks", {dim, count});
        }
}

void test_cells_of(const Table& table) {
    for (std::size_t dim = 1; dim <= 9; ++dim) {
        Indices intervals, cells(pq_panel_columns), expected(pq_panel_columns);
        Floats thresholds, low(dim, -8), high(dim, 8);
        std::uint32_t num_cells = 1;
        for (std::size_t d = 0; d < dim; ++d) {
            intervals.push_back(1u << whole(0, 2));
            num_cells *= intervals.back();
            Floats own = whole_floats(intervals.back() - 1);
            std::sort(own.begin(), own.end());
            thresholds.insert(thresholds.end(), own.begin(), own.end());
        }
        Floats panel = whole_floats(dim * pq_panel_columns);
        panel[5] = 8, panel[6] = 9, panel[(dim - 1) * pq_panel_columns + 7] = -8.5f;
        for (std::size_t j = 0; j < pq_panel_columns; ++j) {
            bool outside = false;
            for (std::size_t d = 0, t = 0; d < dim; ++d) {
                const float value = panel[d * pq_panel_columns + j];
                outside |= value < low[d] || value > high[d];
                expected[j] *= intervals[d];
                for (std::uint32_t i = 1; i < intervals[d]; ++i) expected[j] += value >= thresholds[t++];
            }
            if (outside) expected[j] = num_cells;
        }
        table.cells_of(panel.data(),
                       {num_cells, low.data(), high.data(), thresholds.data(), intervals.data()}, dim,
                       cells.data());
        agree(cells == expected, table, "cells_of", {dim});
    }
}

void test_near_box(const Table& table) {
    for (std::size_t dim = 1; dim <= 12; ++dim)
        for (const std::size_t count : {1, 7, 8, 9, 40, 256}) {
            const List list(count, dim, count % 2 ? some_whole : some_real);
            const Floats middle = real_floats(dim);
            Floats reach = real_floats(dim), rests(list.stride), scratch(8 * dim + list.stride);
            for (float& value : reach) value = std::abs(value) / 4;
            const float margin = 1e-3f;
            Indices places(list.stride), expected;
            std::size_t others[8] = {};
            for (std::size_t i = 0; i < count; ++i) {
                rests[i] = rest_of(list.columns, list.halves, list.stride, dim, i, middle.data(), 1);
                if (i < 8) others[i] = i;
                if (rests[i] < rests[others[i % 8]]) others[i % 8] = i;
            }
            for (std::size_t i = 0; i < count; ++i) {
                bool near = true;
                for (std::size_t o = 0; o < std::min<std::size_t>(8, count); ++o) {
                    float more = rests[i] - rests[others[o]];
                    for (std::size_t d = 0; d < dim; ++d) {
                        const float* column = list.columns.data() + d * list.stride;
                        more -= std::abs(column[i] - column[others[o]]) * reach[d];
                    }
                    near = near && !(more > margin);
                }
                if (near) expected.push_back(static_cast<std::uint32_t>(i));
            }
            places.resize(table.near_box(list.view(), dim, middle.data(), reach.data(), margin,
                                         scratch.data(), places.data()));
            agree(places == expected, table, "near_box", {dim, count});
        }
}

void test_approach(const Table& table) {
    for (std::size_t dim = 0; dim <= 12; ++dim) {
        const Floats panel = real_floats(dim * pq_panel_columns), centroid = real_floats(dim);
        const Floats squares = real_floats(pq_panel_columns), half = real_floats(1);
        Floats distances = real_floats(pq_panel_columns), expected = distances;
        distances[3] = expected[3] = infinity;
        double sums[8] = {};
        for (std::size_t j = 0; j < pq_panel_columns; ++j) {
            float rest = half[0];
            for (std::size_t d = 0; d < dim; ++d) rest -= centroid[d] * panel[d * pq_panel_columns + j];
            expected[j] = std::min(expected[j], std::max(squares[j] + 2 * rest, 0.0f));
            sums[j % 8] += double{expected[j]};
        }
        const double sum =
            ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
        const double found =
            table.approach(panel.data(), centroid.data(), half[0], dim, squares.data(), distances.data());
        agree(same(found, sum) && same(distances, expected), table, "approach", {dim});
    }
}

void test_look_up_tables(const Table& table) {
    for (std::size_t dim = 0; dim <= 20; ++dim)
        for (const std::size_t num_centroids : {8, 16, 24, 256}) {
            const Floats query = real_floats(dim), columns = real_floats(dim * num_centroids);
            Floats found(num_centroids), dots(num_centroids), distances(num_centroids);
            for (std::size_t c = 0; c < num_centroids; ++c) {
                double dot = 0, distance = 0;
                for (std::size_t d = 0; d < dim; ++d) {
                    const double q = query[d], value = columns[d * num_centroids + c];
                    dot += q * value;
                    distance -= (q - value) * (q - value);
                }
                dots[c] = static_cast<float>(dot), distances[c] = static_cast<float>(distance);
            }
            table.dot_table(query.data(), columns.data(), num_centroids, dim, found.data());
            agree(same(found, dots), table, "dot_table", {dim, num_centroids});
            table.l2_table(query.data(), columns.data(), num_centroids, dim, found.data());
            agree(same(found, distances), table, "l2_table", {dim, num_centroids});
        }
}

void test_byte_tables(const Table& table) {
    for (std::size_t count = 16; count <= 256; count += 16) {
        const Floats values = count % 32 ? whole_floats(count) : real_floats(count);
        float smallest = 0, largest = 0;
        table.extremes(values.data(), count, &smallest, &largest);
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        agree(smallest == *low && largest == *high, table, "extremes", {count});
        const float factor = 250 / (largest - smallest);
        Bytes bytes(count), expected(count);
        for (std::size_t i = 0; i < count; ++i) {
            const float above = (values[i] - smallest) * factor + 1e-4f;
            expected[i] = static_cast<std::uint8_t>(std::ceil(above));
        }
        table.bytes_above(values.data(), count, smallest, factor, bytes.data());
        agree(bytes == expected, table, "bytes_above", {count});
        for (const float finer : {factor / 2, factor * 2, 1e30f}) {  // from some on there is only 255
            for (std::size_t i = 0; i < count; ++i) {
                const float below = (largest - values[i]) * finer - 1e-4f;
                expected[i] = static_cast<std::uint8_t>(std::clamp(below, 0.0f, 255.0f));
            }
            table.bytes_below(values.data(), count, largest, finer, bytes.data());
            agree(bytes == expected, table, "bytes_below", {count});
        }
    }
}

void test_interleave_bytes(const Table& table) {
    for (const std::size_t width : {16, 32, 48, 64})
        for (const std::size_t count : {64, 128, 512}) {
            std::vector<Bytes> rows(width);
            std::vector<const std::uint8_t*> places;
            for (Bytes& row : rows) places.push_back((row = whole_bits<std::uint8_t>(count)).data());
            Bytes tile(width * count);
            table.interleave_bytes(places.data(), width, count, tile.data());
            bool equal = true;
            for (std::size_t i = 0; i < count; ++i)
                for (std::size_t r = 0; r < width; ++r) equal = equal && tile[i * width + r] == rows[r][i];
            agree(equal, table, "interleave_bytes", {width, count});
        }
}

/// The largest entries that one query may have for each byte: those of bytes b and b + half sum to 255, all
/// to 65535.
std::vector<int> largest_entries(std::size_t code_size) {
    std::vector<int> largest(code_size);
    const std::size_t half = (code_size + 1) / 2;
    const int most = std::min(255, 65535 / static_cast<int>(half));
    for (std::size_t b = 0; b < half; ++b) {
        largest[b] = whole(0, 2) ? whole(0, most) : whole(0, 1) * most;
        if (b + half < code_size) largest[b + half] = most - largest[b];
    }
    return largest;
}

/// A byte up to `largest`, that itself as often as not.
std::uint8_t entry(int largest) {
    return static_cast<std::uint8_t>(whole(0, 1) ? largest : whole(0, largest));
}

/// A bar that some sums reach and others do not, or all, or none.
std::uint16_t bar_among(const std::vector<unsigned>& sums) {
    if (sums.empty() || whole(0, 7) == 0) return whole(0, 1) ? 65535 : 0;
    return static_cast<std::uint16_t>(
        sums[static_cast<std::size_t>(whole(0, static_cast<int>(sums.size()) - 1))] +
        static_cast<unsigned>(whole(0, 1)));
}

/// Codes as large as promised: nothing follows the last byte.
Bytes codes_of(std::size_t count, std::size_t stride, std::size_t code_size) {
    return whole_bits<std::uint8_t>(count ? (count - 1) * stride + code_size : 0);
}

void test_adc_tile(const Table& table, std::size_t width, std::size_t code_size, std::size_t count) {
    Bytes tables(code_size * 256 * width);
    for (std::size_t i = 0; i < width; ++i) {
        const auto largest = largest_entries(code_size);
        for (std::size_t at = 0; at < code_size * 256; ++at)
            tables[at * width + i] = entry(largest[at / 256]);
    }
    const std::size_t stride = code_size + count % 3;
    const Bytes codes = codes_of(count, stride, code_size);
    std::vector<std::vector<unsigned>> sums(width, std::vector<unsigned>(count));
    std::vector<std::uint16_t> bars(width);
    for (std::size_t i = 0; i < width; ++i) {
        for (std::size_t j = 0; j < count; ++j)
            for (std::size_t b = 0; b < code_size; ++b)
                sums[i][j] += tables[(b * 256 + codes[j * stride + b]) * width + i];
        // Most bars are out of reach, or every code would be a hit.
        bars[i] = whole(0, 9) ? 65535 : bar_among(sums[i]);
    }
    std::vector<AdcHit> hits(count), expected;
    for (std::size_t j = 0; j < count; ++j) {
        std::uint64_t queries = 0;
        for (std::size_t i = 0; i < width; ++i) queries |= std::uint64_t{sums[i][j] >= bars[i]} << i;
        if (queries) expected.push_back({queries, static_cast<std::uint32_t>(j)});
    }
    hits.resize(table.adc_tile(tables.data(), bars.data(), width, codes.data(), stride, count, code_size,
                               hits.data()));
    const bool equal =
        std::equal(hits.begin(), hits.end(), expected.begin(), expected.end(),
                   [](const AdcHit& a, const AdcHit& b) { return a.queries == b.queries && a.row == b.row; });
    agree(equal, table, "adc_tile", {width, code_size, count});
}

void test_adc_tiles(const Table& table) {
    for (const std::size_t width : {16, 32, 64}) {
        for (std::size_t code_size = 1; code_size <= 18; ++code_size)
            for (const std::size_t count : {0, 1, 2, 50}) test_adc_tile(table, width, code_size, count);
        test_adc_tile(table, width, 250, 9);
    }
    test_adc_tile(table, 16, 1024, 9);
}

/// Shortfalls that sum to about 600, or more, of tables in some order.
struct Shortfalls {
    Shortfalls(std::size_t num_columns, std::size_t values)
        : bytes(num_columns * values), order(num_columns) {
        const int most = whole(0, 9) ? 600 / static_cast<int>(num_columns) : 255;
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(std::min(whole(0, most + 1), 255));
        for (std::size_t c = 0; c < order.size(); ++c) order[c] = static_cast<std::uint32_t>(c);
        for (std::size_t c = order.size(); c > 1; --c)
            std::swap(order[c - 1], order[static_cast<std::size_t>(whole(0, static_cast<int>(c) - 1))]);
    }
    Bytes bytes;
    Indices order;
};

void test_adc_row(const Table& table, std::size_t code_size, std::size_t count, bool screened) {
    const auto largest = largest_entries(code_size);
    Bytes tables(code_size * 256);
    for (std::size_t at = 0; at < tables.size(); ++at) tables[at] = entry(largest[at / 256]);
    const Shortfalls shortfalls(code_size, 256);
    const auto head = static_cast<std::size_t>(whole(0, static_cast<int>(code_size)));
    const auto limit = static_cast<std::uint8_t>(whole(0, 254));
    const std::size_t stride = code_size + count % 3;
    const Bytes codes = codes_of(count, stride, code_size);
    std::vector<unsigned> sums(count), lacking(count);
    for (std::size_t j = 0; j < count; ++j) {
        const std::uint8_t* code = codes.data() + j * stride;
        for (std::size_t b = 0; b < code_size; ++b) sums[j] += tables[b * 256 + code[b]];
        for (std::size_t c = 0; screened && c < head; ++c)
            lacking[j] += shortfalls.bytes[c * 256 + code[shortfalls.order[c]]];
    }
    const std::uint16_t bar = bar_among(sums);
    Indices rows(count), expected;
    std::uint32_t left = 0;
    for (std::size_t j = 0; j < count; ++j) {
        if (lacking[j] > limit) continue;
        left += screened;
        if (sums[j] >= bar) expected.push_back(static_cast<std::uint32_t>(j));
    }
    hcbir::kernels::ScreenedQuery query = {screened ? shortfalls.bytes.data() : nullptr,
                                           shortfalls.order.data(),
                                           head,
                                           limit,
                                           tables.data(),
                                           bar,
                                           0};
    Bytes columns((code_size + 15) / 16 * 16 * 64);
    rows.resize(table.adc_row(query, codes.data(), stride, count, code_size, columns.data(), rows.data()));
    agree(rows == expected && query.left == left, table, "adc_row", {code_size, count, screened});
}

void test_adc_rows(const Table& table) {
    for (const bool screened : {false, true}) {
        for (std::size_t code_size = 1; code_size <= 40; ++code_size)
            for (const std::size_t count : {0, 1, 15, 16, 31, 33, 64, 65, 127, 128, 130, 300})
                test_adc_row(table, code_size, count, screened);
        for (std::size_t count = 0; count <= 140; ++count) test_adc_row(table, 16, count, screened);
        test_adc_row(table, 1024, 150, screened);
    }
}

/// Codes in columns, by all tables or as many as leave few.
void test_adc_columns(const Table& table, std::size_t code_size, std::size_t count) {
    const std::size_t pitch = count + whole(0, 1) * 64;
    const Bytes columns = whole_bits<std::uint8_t>((code_size - 1) * pitch + count);
    const hcbir::kernels::CodeColumns codes = {columns.data(), pitch, count, code_size};
    const auto largest = largest_entries(code_size);
    Bytes entries(code_size * 256), scratch(count);
    for (std::size_t at = 0; at < entries.size(); ++at) entries[at] = entry(largest[at / 256]);
    const Shortfalls shortfalls(code_size, 256);
    const auto limit = static_cast<std::uint8_t>(whole(0, 254));
    const auto few = static_cast<std::size_t>(whole(0, static_cast<int>(count)));
    std::vector<unsigned> sums(count), lacking(count);
    for (std::size_t b = 0; b < code_size; ++b)
        for (std::size_t j = 0; j < count; ++j) sums[j] += entries[b * 256 + columns[b * pitch + j]];
    Indices rows(count), expected, left;
    for (std::size_t c = 0; c < code_size && (c == 0 || left.size() > few); c += 4) {
        left.clear();
        for (std::size_t j = 0; j < count; ++j) {
            for (std::size_t n = c; n < std::min(c + 4, code_size); ++n)
                lacking[j] += shortfalls.bytes[n * 256 + columns[shortfalls.order[n] * pitch + j]];
            if (lacking[j] <= limit) left.push_back(static_cast<std::uint32_t>(j));
        }
    }
    const hcbir::kernels::ScreenedQuery query = {
        shortfalls.bytes.data(), shortfalls.order.data(), 0, limit, nullptr, 0, 0};
    rows.resize(table.screen_columns(query, codes, few, scratch.data(), rows.data()));
    agree(rows == left, table, "screen_columns", {code_size, count});

    const std::uint16_t bar = bar_among(sums);
    for (std::size_t j = 0; j < count; ++j)
        if (sums[j] >= bar) expected.push_back(static_cast<std::uint32_t>(j));
    rows.resize(count);
    rows.resize(table.sum_columns(entries.data(), bar, codes, rows.data()));
    agree(rows == expected, table, "sum_columns", {code_size, count});
}

void test_adc_columns(const Table& table) {
    for (std::size_t code_size = 1; code_size <= 40; ++code_size)
        for (const std::size_t count : {64, 128, 192, 2048, 2112, 4160})
            test_adc_columns(table, code_size, count);
    test_adc_columns(table, 1024, 128);
}

/// Where value c of a code of 4-bit values stands: its chunk of 64, its step and lane there.
struct NibblePlace {
    NibblePlace(std::size_t code_size, std::size_t c) : chunk(c / 64) {
        const std::size_t left = code_size - 32 * chunk;
        steps = left > 16 ? 16 : left > 8 ? 8 : 4;
        step = 16 * chunk + c % 64 % steps, lane = c % 64 / steps;
    }
    std::size_t chunk, steps, step, lane;
};

unsigned half_of(const std::uint8_t* code, std::size_t c) { return unsigned{code[c / 2]} >> c % 2 * 4 & 15; }

/// The averages of a code's chunks, summed.
unsigned averages_of(const Bytes& entries, const std::uint8_t* code, std::size_t code_size) {
    unsigned sum = 0;
    for (std::size_t first = 0; first < 2 * code_size; first += 64) {
        const std::size_t values = 4 * NibblePlace(code_size, first).steps;
        std::vector<unsigned> of(code_size > 32 ? 64 : values);
        for (std::size_t c = 0; c < values && first + c < 2 * code_size; ++c) {
            const NibblePlace at(code_size, first + c);
            of[c] = entries[64 * at.step + 16 * at.lane + half_of(code, first + c)];
        }
        for (std::size_t n = of.size() / 2; n > 0; n /= 2)
            for (std::size_t c = 0; c < n; ++c) of[c] = (of[2 * c] + of[2 * c + 1] + 1) / 2;
        sum += of[0];
    }
    return sum;
}

void test_adc_nibbles(const Table& table, std::size_t code_size, std::size_t count) {
    using hcbir::kernels::nibble_group, hcbir::kernels::NibbleHit, hcbir::kernels::NibbleQuery;
    const std::size_t stride = code_size + count % 3, num_values = 2 * code_size;
    const NibblePlace last(code_size, num_values - 1);
    const std::size_t num_steps = 16 * last.chunk + last.steps;
    const Bytes codes = codes_of(count, stride, code_size);
    Bytes turned((count + nibble_group - 1) / nibble_group * num_steps * 256);
    table.turn_nibbles(codes.data(), stride, count, code_size, turned.data());
    bool in_place = std::all_of(turned.begin(), turned.end(), [](auto value) { return value < 16; });
    for (std::size_t j = 0; j < count; ++j)
        for (std::size_t c = 0; c < num_values; ++c) {
            const NibblePlace at(code_size, c);
            const std::size_t step = j / nibble_group * num_steps + at.step;
            in_place &= turned[step * 256 + j % nibble_group / 16 * 64 + at.lane * 16 + j % 16] ==
                        half_of(codes.data() + j * stride, c);
        }
    agree(in_place, table, "turn_nibbles", {code_size, count});

    const std::size_t num_queries = count % 4;
    std::vector<Bytes> entries(num_queries, Bytes(64 * num_steps));
    std::vector<NibbleQuery> queries;
    std::vector<std::array<std::uint32_t, 2>> found, expected;
    Bytes group(num_steps * 256);
    for (std::uint32_t q = 0; q < num_queries; ++q) {
        const int largest = whole(0, 3) ? 255 : 3;
        for (std::size_t c = 0; c < num_values; ++c) {
            const NibblePlace at(code_size, c);
            for (std::size_t n = 0; n < 16; ++n) entries[q][64 * at.step + 16 * at.lane + n] = entry(largest);
        }
        std::vector<unsigned> sums;
        for (std::size_t j = 0; j < count; ++j)
            sums.push_back(averages_of(entries[q], codes.data() + j * stride, code_size));
        queries.push_back({entries[q].data(), bar_among(sums)});
        Indices rows(count), alone;
        for (std::uint32_t j = 0; j < count; ++j)
            if (sums[j] >= queries[q].bar) expected.push_back({q, j}), alone.push_back(j);
        rows.resize(table.adc_nibble_row(queries[q], codes.data(), stride, count, code_size, group.data(),
                                         rows.data()));
        agree(rows == alone, table, "adc_nibble_row", {code_size, count});
    }
    std::vector<NibbleHit> hits(num_queries * count);
    hits.resize(table.adc_nibbles(queries.data(), num_queries, turned.data(), count, code_size, hits.data()));
    for (const NibbleHit& hit : hits) found.push_back({hit.query, hit.row});
    agree(found == expected, table, "adc_nibbles", {code_size, count});
}

void test_adc_nibbles(const Table& table) {
    for (std::size_t code_size = 1; code_size <= 70; ++code_size)
        for (const std::size_t count : {0, 1, 15, 33, 65, 127, 255, 257, 259})
            test_adc_nibbles(table, code_size, count);
    for (std::size_t count = 0; count <= 140; ++count)
        for (const std::size_t code_size : {16, 32}) test_adc_nibbles(table, code_size, count);
    test_adc_nibbles(table, 1024, 151);
}

void test_nibble_scores(const Table& table) {
    for (std::size_t code_size = 1; code_size <= 70; ++code_size)
        for (const std::size_t count : {0, 1, 4, 7, 16, 17, 40}) {
            const std::size_t stride = code_size + count % 3;
            const Bytes codes = codes_of(50, stride, code_size);
            const Floats tables = real_floats(32 * code_size);
            Indices rows(count);
            for (auto& row : rows) row = static_cast<std::uint32_t>(whole(0, 49));
            Floats scores(count), expected;
            for (const std::uint32_t row : rows) {
                const std::uint8_t* code = codes.data() + row * stride;
                float sums[4] = {};
                for (std::size_t b = 0; b < code_size; ++b)
                    sums[b % 4] += tables[32 * b + code[b] % 16] + tables[32 * b + 16 + code[b] / 16];
                expected.push_back((sums[0] + sums[1]) + (sums[2] + sums[3]));
            }
            table.nibble_scores(tables.data(), codes.data(), stride, rows.data(), count, code_size,
                                scores.data());
            agree(scores == expected, table, "nibble_scores", {code_size, count});
        }
}

}  // namespace

int main() {
    at_every_level({test_nearest_centroids, test_cells_of, test_near_box, test_approach, test_look_up_tables,
                    test_byte_tables, test_interleave_bytes, test_adc_tiles, test_adc_rows, test_adc_columns,
                    test_adc_nibbles, test_nibble_scores});
}
