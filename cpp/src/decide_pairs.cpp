#include "decide_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "score.hpp"
#include "search_problem.hpp"

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t rows_per_task = 64;

/// Where the pairs of each row, or column, stand in a list.
template <class T, class Key>
std::vector<T> grouped(const std::vector<T>& items, std::size_t count, std::vector<std::size_t>& begins,
                       const Key& key) {
    begins.assign(count + 1, 0);
    for (const T& item : items) ++begins[key(item) + 1];
    for (std::size_t i = 0; i < count; ++i) begins[i + 1] += begins[i];
    std::vector<T> sorted(items.size());
    std::vector<std::size_t> next(begins.begin(), begins.end() - 1);
    for (const T& item : items) sorted[next[key(item)]++] = item;
    return sorted;
}

/// A row or column, the pairs that it may be decided by, and what its best (or second) reaches.
struct Line {
    std::span<std::uint32_t> pairs;
    float& bar;
};

class Decision {
public:
    Decision(NearPairs&& near, const ScanRows& set0, const ScanRows& set1, bool with_second, bool with_mutual,
             Executor& executor)
        : set0_(set0),
          set1_(set1),
          error_(set0),
          with_second_(with_second),
          only_mutual_(with_mutual && !with_second),
          executor_(executor),
          row_bars_(std::move(near.row_bars)),
          column_bars_(std::move(near.column_bars)) {
        pairs_ = grouped(near.pairs, row_bars_.size(), row_begins_, [](const NearPair& p) { return p.row; });
        scored_.resize(pairs_.size());
        std::vector<std::uint32_t> numbers(pairs_.size());
        for (std::size_t p = 0; p < numbers.size(); ++p) numbers[p] = static_cast<std::uint32_t>(p);
        by_row_ = numbers;
        by_column_ = grouped(numbers, column_bars_.size(), column_begins_,
                             [&](std::uint32_t p) { return pairs_[p].column; });
    }

    FloatNeighbours decide(bool with_mutual) {
        const std::size_t count0 = row_bars_.size(), count1 = column_bars_.size();
        FloatNeighbours found{std::vector<FloatNeighbour>(count0), {}};
        in_parts(count0, [&](std::size_t i) {
            score_pairs(row(i), with_second_,
                        [&](const NearPair& p) { return !only_mutual_ || may_be_mutual(p); });
        });
        raise_columns();
        in_parts(count0, [&](std::size_t i) {
            if (is_undecided(row(i).pairs))
                score_pairs(row(i), with_second_, [](const NearPair&) { return true; });
        });
        raise_columns();
        in_parts(count0, [&](std::size_t i) {
            if (is_undecided(row(i).pairs)) found.forward[i] = nearest_of_row(i);
        });
        if (!with_mutual) return found;
        found.mutual.assign(count1, -1);
        in_parts(count1, [&](std::size_t j) {
            const auto is_wanted = [&](std::uint32_t p) {
                return found.forward[pairs_[p].row].index == static_cast<std::int64_t>(j) &&
                       may_be_mutual(pairs_[p]);
            };
            const Line line = column(j);
            if (std::none_of(line.pairs.begin(), line.pairs.end(), is_wanted)) return;
            score_pairs(line, false, [](const NearPair&) { return true; });
            found.mutual[j] = nearest_of_column(j);
        });
        return found;
    }

private:
    /// Runs body(i) for 0 .. count - 1.
    template <class Body>
    void in_parts(std::size_t count, const Body& body) {
        executor_.parallel_for(ceil_div(count, rows_per_task), [&](std::size_t task, std::size_t) {
            const std::size_t end = std::min(count, (task + 1) * rows_per_task);
            for (std::size_t i = task * rows_per_task; i < end; ++i) body(i);
        });
    }

    Line row(std::size_t i) {
        return {{by_row_.data() + row_begins_[i], row_begins_[i + 1] - row_begins_[i]}, row_bars_[i]};
    }
    Line column(std::size_t j) {
        return {{by_column_.data() + column_begins_[j], column_begins_[j + 1] - column_begins_[j]},
                column_bars_[j]};
    }

    bool may_be_mutual(const NearPair& p) const {
        return p.highest >= row_bars_[p.row] && p.highest >= column_bars_[p.column];
    }

    /// Whether the row's nearest neighbour is asked for and not known.
    bool is_undecided(std::span<const std::uint32_t> pairs) const {
        return !only_mutual_ || std::any_of(pairs.begin(), pairs.end(),
                                            [&](std::uint32_t p) { return may_be_mutual(pairs_[p]); });
    }

    /// Scores pairs in float while they may reach the bar, the most promising first.
    template <class Wanted>
    void score_pairs(const Line& line, bool with_second, const Wanted& wanted) {
        const auto end = std::partition(line.pairs.begin(), line.pairs.end(),
                                        [&](std::uint32_t p) { return pairs_[p].highest >= line.bar; });
        if (end - line.pairs.begin() <= (with_second ? 2 : 1)) return;
        std::sort(line.pairs.begin(), end,
                  [&](std::uint32_t p, std::uint32_t q) { return pairs_[p].highest > pairs_[q].highest; });
        float first = -infinity, second = -infinity;
        for (auto p = line.pairs.begin(); p != end && pairs_[*p].highest >= line.bar; ++p) {
            NearPair& pair = pairs_[*p];
            if (!scored_[*p] && !wanted(pair)) continue;
            if (!scored_[*p]) score(pair), scored_[*p] = 1;
            second = std::max(second, std::min(first, pair.lowest));
            first = std::max(first, pair.lowest);
            line.bar = std::max(line.bar, with_second ? second : first);
        }
    }

    /// Bounds by a float product; those there are stay where it is not known well.
    void score(NearPair& pair) const {
        const std::size_t i = pair.row, j = pair.column;
        float dot = 0;
        const float* row = set1_.rows.row(j);
        kernels_.dots(set0_.rows.row(i), &row, 1, nullptr, set0_.rows.cols, &dot);
        const double squared0 = set0_.squared[i], squared1 = set1_.squared[j];
        double score = dot;
        if (set0_.metric == Metric::l2) score -= (squared0 + squared1) / 2;
        if (set0_.metric == Metric::cosine)
            score = squared0 > 0 && squared1 > 0 ? score / std::sqrt(squared0 * squared1) : 0;
        const double margin = error_.bound(set0_.lengths[i], set1_.lengths[j]);
        if (!std::isfinite(score) || !std::isfinite(margin)) return;
        pair.lowest = std::max(pair.lowest, round_down(score - margin));
        pair.highest = std::min(pair.highest, round_up(score + margin));
    }

    void raise_columns() {
        for (const NearPair& pair : pairs_)
            column_bars_[pair.column] = std::max(column_bars_[pair.column], pair.lowest);
    }

    FloatNeighbour nearest_of_row(std::size_t i) {
        const Line line = row(i);
        std::vector<std::size_t> others;
        for (const std::uint32_t p : line.pairs)
            if (pairs_[p].highest >= line.bar) others.push_back(pairs_[p].column);
        return nearest(set0_, i, set1_, others);
    }
    std::int64_t nearest_of_column(std::size_t j) {
        const Line line = column(j);
        std::vector<std::size_t> others;
        for (const std::uint32_t p : line.pairs)
            if (pairs_[p].highest >= line.bar) others.push_back(pairs_[p].row);
        return nearest(set1_, j, set0_, others).index;
    }

    /// The first by score, then index.
    FloatNeighbour nearest(const ScanRows& set, std::size_t i, const ScanRows& other_set,
                           std::vector<std::size_t>& others) const {
        FloatNeighbour found{static_cast<std::int64_t>(others.front())};
        if (others.size() == 1) return found;
        std::sort(others.begin(), others.end());
        float first = -infinity;
        found = {-1, first};
        for (const std::size_t other : others) {
            const float score =
                exact_score(kernels_, set.metric, set.rows.row(i), other_set.rows.row(other), set.rows.cols);
            if (found.index < 0 || score > first) {
                found = {static_cast<std::int64_t>(other), first};
                first = score;
            } else {
                found.second_score = std::max(found.second_score, score);
            }
        }
        return found;
    }

    const kernels::Table& kernels_ = kernels::active();
    const ScanRows &set0_, &set1_;
    ScanError error_;
    bool with_second_, only_mutual_;
    Executor& executor_;
    std::vector<float> row_bars_, column_bars_;
    std::vector<NearPair> pairs_;  // by row
    std::vector<std::uint8_t> scored_;
    std::vector<std::size_t> row_begins_, column_begins_;
    std::vector<std::uint32_t> by_row_, by_column_;
};

}  // namespace

FloatNeighbours decide_pairs(NearPairs near, const ScanRows& set0, const ScanRows& set1, bool with_second,
                             bool with_mutual, Executor& executor) {
    return Decision(std::move(near), set0, set1, with_second, with_mutual, executor).decide(with_mutual);
}

}  // namespace hcbir
