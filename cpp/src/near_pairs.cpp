#include "near_pairs.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t few_pairs = 4096;
constexpr std::size_t group_rows = 96;  // whose scores raise the bars together before pairs are looked for

/// What one thread has found.
struct Worker {
    ColumnBlock block;
    AlignedBuffer<float> scores, column_best;
    std::vector<std::uint32_t> found;
    std::vector<NearPair> pairs;
    std::vector<float> first, second;  // of each row: the largest scores that are certain
    float group_first[group_rows], group_second[group_rows], bars[group_rows];

    Worker(std::size_t num_rows, std::size_t columns)
        : block{},
          scores(group_rows * columns),
          column_best(columns),
          found(group_rows * columns),
          first(num_rows, -infinity),
          second(num_rows, -infinity) {}

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
        const std::size_t stride = tiles_.block_columns(), height = tiles_.tile_rows();
        auto& [block, scores, column_best, found, pairs, first, second, group_first, group_second, bars] =
            worker;
        const double bound = tiles_.load(set1_, block);
        const float margin = round_up(bound);
        const std::size_t before = pairs.size(), padded = ceil_div(block.count, 32) * 32;
        const auto limit =
            static_cast<std::size_t>(most_ * static_cast<double>(num_rows_ + block.count)) + few_pairs;
        if (!std::isfinite(margin)) return give_up();
        std::fill_n(column_best.data(), block.count, -infinity);
        std::fill(column_best.data() + block.count, column_best.data() + padded, infinity);
        for (std::size_t row = 0; row < num_rows_ && !too_many(); row += group_rows) {
            const std::size_t count = std::min(group_rows, num_rows_ - row);
            for (std::size_t i = 0; i < count; i += height)
                tiles_.scores((row + i) / height, block, scores.data() + i * stride, stride);
            for (std::size_t i = 0; i < count; ++i)
                std::fill(scores.data() + i * stride + block.count, scores.data() + i * stride + padded,
                          -infinity);
            kernels_.best_two(scores.data(), stride, count, padded, group_first, group_second);
            for (std::size_t i = 0; i < count; ++i) {
                worker.raise(row + i, lowered(group_first[i], margin), lowered(group_second[i], margin));
                bars[i] = lowered(worker.bar_of_rows(with_second_)[row + i], margin);
            }
            const std::size_t num_found = kernels_.near_pairs(scores.data(), stride, count, padded, bars,
                                                              2 * margin, column_best.data(), found.data());
            for (std::size_t f = 0; f < num_found; ++f) {
                const std::uint32_t i = found[f] >> 16, j = found[f] & 0xffff;
                pairs.push_back({static_cast<std::uint32_t>(row + i),
                                 static_cast<std::uint32_t>(block.first + j),
                                 raised(scores[i * stride + j], margin)});
            }
            if (pairs.size() - before > 4 * limit) {
                prune(worker, before, margin);
                if (pairs.size() - before > limit) give_up();
            }
        }
        prune(worker, before, margin);
        if (pairs.size() - before > limit) give_up();
        for (std::size_t j = 0; j < block.count; ++j)
            result_.column_bars[block.first + j] = lowered(column_best[j], margin);
    }

private:
    static float lowered(float x, float margin) { return round_down(double{x} - margin); }
    static float raised(float x, float margin) { return round_up(double{x} + margin); }

    void give_up() { too_many_.store(true, std::memory_order_relaxed); }

    /// Drops pairs of this block that bars have left below since they were found.
    void prune(Worker& worker, std::size_t before, float margin) const {
        const auto& bars = worker.bar_of_rows(with_second_);
        const auto is_far = [&](const NearPair& pair) {
            const float column_bar = lowered(worker.column_best[pair.column - worker.block.first], margin);
            return pair.highest < bars[pair.row] && pair.highest < column_bar;
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
