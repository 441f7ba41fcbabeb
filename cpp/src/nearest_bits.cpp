#include "nearest_bits.hpp"

#include <algorithm>

#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t block = 1 << 16;  // descriptors of either set that the indices in the keys tell apart
constexpr std::size_t min_task_rows = 128, max_task_rows = 1024;
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

struct Worker {
    BitRows rows;
    NearestKeys by_column;
    std::vector<std::uint32_t> by_row;
};

/// One block of each set: columns from column `begin0` of the panels on, rows from row `begin1`.
template <class Panels>
void compare_blocks(const Panels& panels, std::size_t begin0, MatrixView<const std::uint8_t> set1,
                    std::size_t begin1, std::size_t task_rows, std::vector<Worker>& workers,
                    BitNeighbours& found, Executor& executor) {
    const std::size_t width = panels.width(), row_lanes = panels.row_lanes();
    const std::size_t count0 = std::min(block, found.forward.size() - begin0),
                      count1 = std::min(block, set1.rows - begin1);
    for (Worker& worker : workers) worker.by_column.clear();

    executor.parallel_for(ceil_div(count1, task_rows), [&](std::size_t task, std::size_t w) {
        auto& [rows, by_column, by_row] = workers[w];
        const std::size_t first = task * task_rows, count = std::min(task_rows, count1 - first);
        panels.take({set1.row(begin1 + first), count, set1.cols, set1.stride}, rows);
        std::fill(by_row.begin(), by_row.end(), no_key);
        for (std::size_t c = 0; c < count0; c += width)
            panels.compare((begin0 + c) / width, static_cast<std::uint32_t>(c), rows,
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

template <class Panels>
BitNeighbours compare(const Panels& panels, std::size_t count0, MatrixView<const std::uint8_t> set1,
                      Executor& executor) {
    const std::size_t task_rows =
        std::clamp(ceil_div(set1.rows, executor.size()), min_task_rows, max_task_rows);
    const std::size_t num_tasks = ceil_div(std::min(set1.rows, block), task_rows);
    const Worker fresh{{},
                       NearestKeys(ceil_div(std::min(count0, block), panels.width()) * panels.width()),
                       std::vector<std::uint32_t>(task_rows * panels.row_lanes())};
    std::vector<Worker> workers(std::min(executor.size(), num_tasks), fresh);

    BitNeighbours found{std::vector<BitNeighbour>(count0), std::vector<BitNeighbour>(set1.rows)};
    for (std::size_t begin1 = 0; begin1 < set1.rows; begin1 += block)
        for (std::size_t begin0 = 0; begin0 < count0; begin0 += block)
            compare_blocks(panels, begin0, set1, begin1, task_rows, workers, found, executor);
    if (set1.rows == 1)
        for (BitNeighbour& only : found.forward) only.second_distance = BitNeighbour::none;
    return found;
}

bool is_within(const std::vector<BitNeighbour>& neighbours, std::uint32_t largest) {
    return std::all_of(neighbours.begin(), neighbours.end(), [&](const BitNeighbour& nearest) {
        return nearest.distance <= largest &&
               (nearest.second_distance <= largest || nearest.second_distance == BitNeighbour::none);
    });
}

}  // namespace

BitSet::BitSet(MatrixView<const std::uint8_t> rows) : descriptors(rows) {
    if (rows.cols <= BytePanels::longest)
        bytes.emplace(rows);
    else
        words.emplace(rows);
}

void BitNeighbour::take(const BitNeighbour& other) {
    second_distance = std::min({std::max(distance, other.distance), second_distance, other.second_distance});
    if (other.distance < distance) distance = other.distance, index = other.index;
}

BitNeighbours nearest_by_hamming(const BitSet& set0, MatrixView<const std::uint8_t> set1,
                                 Executor& executor) {
    if (set0.words) return compare(*set0.words, set0.descriptors.rows, set1, executor);
    BitNeighbours found = compare(*set0.bytes, set0.descriptors.rows, set1, executor);
    if (is_within(found.forward, BytePanels::largest_distance) &&
        is_within(found.backward, BytePanels::largest_distance))
        return found;
    return compare(WordPanels(set0.descriptors), set0.descriptors.rows, set1, executor);  // rare
}

}  // namespace hcbir
