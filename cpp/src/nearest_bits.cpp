#include "nearest_bits.hpp"

#include <algorithm>
#include <cstring>

#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t block = 1 << 16;  // descriptors of either set that the indices in the keys tell apart
constexpr std::size_t rows_per_task = 128;
constexpr std::uint32_t no_key = std::numeric_limits<std::uint32_t>::max();

std::uint32_t distance_of(std::uint32_t key) { return key == no_key ? BitNeighbour::none : key >> 16; }

BitNeighbour neighbour(std::uint32_t first, std::uint32_t second, std::size_t base) {
    return {static_cast<std::int64_t>(base + (first & 0xffff)), distance_of(first), distance_of(second)};
}

/// Storage of a kernels::NearestBits.
struct NearestKeys {
    std::vector<std::uint32_t> first, second;

    explicit NearestKeys(std::size_t count) : first(count), second(count) {}
    void clear() {
        std::fill(first.begin(), first.end(), no_key);
        std::fill(second.begin(), second.end(), no_key);
    }
    kernels::NearestBits at(std::size_t i) { return {first.data() + i, second.data() + i}; }

    void take(std::size_t i, std::uint32_t other_first, std::uint32_t other_second) {
        second[i] = std::min({std::max(first[i], other_first), second[i], other_second});
        first[i] = std::min(first[i], other_first);
    }
};

/// The rows with zeros to whole words.
std::vector<std::uint8_t> padded(MatrixView<const std::uint8_t> rows, std::size_t num_bytes) {
    std::vector<std::uint8_t> copy(rows.rows * num_bytes);
    for (std::size_t r = 0; r < rows.rows; ++r)
        std::copy_n(rows.row(r), rows.cols, copy.data() + r * num_bytes);
    return copy;
}

struct Worker {
    NearestKeys by_column;
    std::vector<std::uint32_t> by_row;
};

/// One block of each set: columns from column `begin0` of the panels on, rows from row `begin1`.
void compare_blocks(const BitPanels& set0, std::size_t begin0, MatrixView<const std::uint8_t> set1,
                    std::size_t begin1, std::vector<Worker>& workers, BitNeighbours& found,
                    Executor& executor) {
    const std::size_t width = set0.kernels.tile_rows, row_lanes = set0.kernels.row_lanes;
    const std::size_t count0 = std::min(block, set0.count - begin0),
                      count1 = std::min(block, set1.rows - begin1);
    std::vector<std::uint32_t> columns(ceil_div(count0, width) * width, no_key);  // padding is no neighbour
    for (std::size_t c = 0; c < count0; ++c) columns[c] = static_cast<std::uint32_t>(c);
    for (Worker& worker : workers) worker.by_column.clear();

    executor.parallel_for(ceil_div(count1, rows_per_task), [&](std::size_t task, std::size_t w) {
        auto& [by_column, by_row] = workers[w];
        const std::size_t first = task * rows_per_task, count = std::min(rows_per_task, count1 - first);
        std::fill(by_row.begin(), by_row.end(), no_key);
        for (std::size_t c = 0; c < count0; c += width)
            set0.kernels.nearest_bits(set0.panel((begin0 + c) / width), columns.data() + c,
                                      set1.row(begin1 + first), set1.stride, count, set0.num_words,
                                      static_cast<std::uint32_t>(first), by_column.at(c), by_row.data());
        for (std::size_t i = 0; i < count; ++i) {
            const auto lane = by_row.begin() + static_cast<std::ptrdiff_t>(i * row_lanes);
            const std::uint32_t key = *std::min_element(lane, lane + static_cast<std::ptrdiff_t>(row_lanes));
            found.backward[begin1 + first + i].take(neighbour(key, no_key, begin0));
        }
    });
    NearestKeys& best = workers.front().by_column;
    for (std::size_t c = 0; c < count0; ++c) {
        for (std::size_t w = 1; w < workers.size(); ++w)
            best.take(c, workers[w].by_column.first[c], workers[w].by_column.second[c]);
        found.forward[begin0 + c].take(neighbour(best.first[c], best.second[c], begin1));
    }
}

}  // namespace

BitPanels::BitPanels(MatrixView<const std::uint8_t> descriptors)
    : kernels(kernels::active()),
      count(descriptors.rows),
      num_bytes(descriptors.cols),
      num_words(ceil_div(num_bytes, 4)),
      words_(ceil_div(count, kernels.tile_rows) * kernels.tile_rows * num_words) {
    const std::size_t width = kernels.tile_rows, whole = num_bytes / 4;
    std::fill_n(words_.data(), ceil_div(count, width) * width * num_words, 0u);
    for (std::size_t r = 0; r < count; ++r) {
        const std::uint8_t* bytes = descriptors.row(r);
        std::uint32_t* column = words_.data() + r / width * num_words * width + r % width;
        for (std::size_t w = 0; w < whole; ++w) std::memcpy(column + w * width, bytes + 4 * w, 4);
        if (whole < num_words) std::memcpy(column + whole * width, bytes + 4 * whole, num_bytes % 4);
    }
}

void BitNeighbour::take(const BitNeighbour& other) {
    second_distance = std::min({std::max(distance, other.distance), second_distance, other.second_distance});
    if (other.distance < distance) distance = other.distance, index = other.index;
}

BitNeighbours nearest_by_hamming(const BitPanels& set0, MatrixView<const std::uint8_t> set1,
                                 Executor& executor) {
    std::vector<std::uint8_t> copy;
    if (set0.num_bytes % 4 != 0) {
        copy = padded(set1, 4 * set0.num_words);
        set1 = {copy.data(), set1.rows, 4 * set0.num_words};
    }
    const std::size_t width = set0.kernels.tile_rows;
    const std::size_t num_tasks = ceil_div(std::min(set1.rows, block), rows_per_task);
    const Worker fresh{NearestKeys(ceil_div(std::min(set0.count, block), width) * width),
                       std::vector<std::uint32_t>(rows_per_task * set0.kernels.row_lanes)};
    std::vector<Worker> workers(std::min(executor.size(), num_tasks), fresh);

    BitNeighbours found{std::vector<BitNeighbour>(set0.count), std::vector<BitNeighbour>(set1.rows)};
    for (std::size_t begin1 = 0; begin1 < set1.rows; begin1 += block)
        for (std::size_t begin0 = 0; begin0 < set0.count; begin0 += block)
            compare_blocks(set0, begin0, set1, begin1, workers, found, executor);
    return found;
}

}  // namespace hcbir
