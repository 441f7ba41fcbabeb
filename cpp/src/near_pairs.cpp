#include "near_pairs.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "search_problem.hpp"

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t few_pairs = 4096;
// Rows whose scores with a block's columns are kept until those columns' bars have met them all; a multiple
// of every tile's height.
constexpr std::size_t group_rows = 1008;
constexpr std::size_t tallest_tile = 12, found_rows = 48;
constexpr std::size_t line = 16;  // floats: rows of scores that lie a power of two apart share too few places

/// What one thread has found.
struct Worker {
    ColumnBlock block;
    AlignedBuffer<float> scores, column_best;
    std::vector<std::uint32_t> found;
    std::vector<NearPair> pairs;
    std::vector<float> first, second;  // of each row: the largest scores that are certain

    Worker(std::size_t num_rows, std::size_t columns)
        : block{},
          scores(std::min(group_rows, ceil_div(num_rows, tallest_tile) * tallest_tile) * (columns + line)),
          column_best(columns),
          found(found_rows * columns),
          first(num_rows, -infinity),
          second(num_rows, -infinity) {
        pairs.reserve(8 * num_rows);
    }

    const std::vector<float>& bar_of_rows(bool with_second) const { return with_second ? second : first; }

    void raise(std::size_t row, float larger, float smaller) {
        second[row] = std::max({std::min(first[row], larger), second[row], smaller});
        first[row] = std::max(first[row], larger);
    }
};

class Pass {
public:
    Pass(const ScoreTiles& tiles, std::size_t num_rows, const ScanRows& set1, bool with_second, double most,
         NearPairs& result)
        : tiles_(tiles),
          num_rows_(num_rows),
          set1_(set1),
          with_second_(with_second),
          most_(most),
          result_(result) {}

    bool too_many() const { return too_many_.load(std::memory_order_relaxed); }

    /// All rows against the block's columns.
    void run(Worker& worker) {
        const std::size_t stride = tiles_.block_columns() + line, height = tiles_.tile_rows();
        auto& [block, scores, column_best, found, pairs, first, second] = worker;
        const std::size_t before = pairs.size(), padded = ceil_div(block.count, 32) * 32;
        const auto limit =
            static_cast<std::size_t>(most_ * static_cast<double>(num_rows_ + block.count)) + few_pairs;
        if (!tiles_.load(set1_, block)) return give_up();
        std::fill_n(column_best.data(), block.count, -infinity);
        std::fill(column_best.data() + block.count, column_best.data() + padded, infinity);
        for (std::size_t row = 0; row < num_rows_ && !too_many(); row += group_rows) {
            const std::size_t count = std::min(group_rows, num_rows_ - row);
            for (std::size_t i = 0; i < count; i += height) {
                const std::size_t filled = std::min(height, count - i);
                float* tile = scores.data() + i * stride;
                float best[tallest_tile], next[tallest_tile];
                std::fill_n(next, tallest_tile, -infinity);
                tiles_.scores((row + i) / height, block, tile, stride);
                kernels_.raise_best(tile, stride, filled, padded, best, with_second_ ? next : nullptr,
                                    column_best.data());
                for (std::size_t t = 0; t < filled; ++t) worker.raise(row + i + t, best[t], next[t]);
            }
            for (std::size_t i = 0; i < count; i += found_rows)
                take_pairs(worker, row + i, scores.data() + i * stride, std::min(found_rows, count - i));
            if (pairs.size() - before > 4 * limit) {
                prune(worker, before);
                if (pairs.size() - before > limit) give_up();
            }
        }
        prune(worker, before);
        if (pairs.size() - before > limit) give_up();
        std::copy_n(column_best.data(), block.count, result_.column_bars.data() + block.first);
    }

private:
    /// Of rows first .. first + count - 1 with the block's columns.
    void take_pairs(Worker& worker, std::size_t first, const float* scores, std::size_t count) const {
        const ColumnBlock& block = worker.block;
        const std::size_t stride = tiles_.block_columns() + line, padded = ceil_div(block.count, 32) * 32;
        const std::size_t num_found = kernels_.near_pairs(
            scores, stride, count, padded, worker.bar_of_rows(with_second_).data() + first,
            block.row_spreads.data() + first, worker.column_best.data(), block.column_spreads.data(),
            worker.found.data());
        for (std::size_t f = 0; f < num_found; ++f) {
            const std::uint32_t i = worker.found[f] >> 16, j = worker.found[f] & 0xffff;
            if (j >= block.count) continue;  // padding, for a row without a second score yet
            const float lowest = scores[i * stride + j];
            const double spread = double{block.row_spreads[first + i]} + block.column_spreads[j];
            worker.pairs.push_back({static_cast<std::uint32_t>(first + i),
                                    static_cast<std::uint32_t>(block.first + j), lowest,
                                    round_up(lowest + spread)});
        }
    }

    void give_up() { too_many_.store(true, std::memory_order_relaxed); }

    /// Drops pairs of this block that bars have left below since they were found.
    void prune(Worker& worker, std::size_t before) const {
        const auto& bars = worker.bar_of_rows(with_second_);
        const auto is_far = [&](const NearPair& pair) {
            return pair.highest < bars[pair.row] &&
                   pair.highest < worker.column_best[pair.column - worker.block.first];
        };
        auto& pairs = worker.pairs;
        const auto begin = pairs.begin() + static_cast<std::ptrdiff_t>(before);
        pairs.erase(std::remove_if(begin, pairs.end(), is_far), pairs.end());
    }

    const kernels::Table& kernels_ = kernels::active();
    const ScoreTiles& tiles_;
    std::size_t num_rows_;
    const ScanRows& set1_;
    bool with_second_;
    double most_;
    NearPairs& result_;
    std::atomic<bool> too_many_{false};
};

}  // namespace

std::optional<NearPairs> find_near_pairs(const ScoreTiles& tiles, std::size_t num_rows, const ScanRows& set1,
                                         bool with_second, double most, Executor& executor) {
    const std::size_t columns = tiles.block_columns(), count1 = set1.rows.rows;
    const std::size_t num_tasks = ceil_div(count1, columns);
    NearPairs result{{}, std::vector<float>(num_rows, -infinity), std::vector<float>(count1)};
    std::vector<Worker> workers;
    for (std::size_t w = 0; w < std::min(executor.size(), num_tasks); ++w)
        workers.emplace_back(num_rows, columns);
    Pass pass(tiles, num_rows, set1, with_second, most, result);
    executor.parallel_for(num_tasks, [&](std::size_t task, std::size_t w) {
        if (pass.too_many()) return;
        workers[w].block.first = task * columns;
        workers[w].block.count = std::min(columns, count1 - task * columns);
        pass.run(workers[w]);
    });
    if (pass.too_many()) return std::nullopt;
    Worker& all = workers.front();
    for (std::size_t w = 1; w < workers.size(); ++w) {
        for (std::size_t i = 0; i < num_rows; ++i) all.raise(i, workers[w].first[i], workers[w].second[i]);
        all.pairs.insert(all.pairs.end(), workers[w].pairs.begin(), workers[w].pairs.end());
    }
    result.pairs = std::move(all.pairs);
    result.row_bars = all.bar_of_rows(with_second);
    return result;
}

}  // namespace hcbir
