#include "nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "near_pairs.hpp"
#include "score.hpp"

namespace hcbir {
namespace {

// A pair that is looked at costs about as much as the bytes save on this many of floats.
constexpr double most_pairs_of_bytes = 24, most_pairs_of_floats = 64;
constexpr std::size_t rows_per_task = 64;

/// Pairs of each row, or of each column, one list after another.
class PairsOf {
public:
    template <class Key>
    PairsOf(const std::vector<NearPair>& pairs, std::size_t count, const Key& key) : begins_(count + 1) {
        for (const NearPair& pair : pairs) ++begins_[key(pair) + 1];
        for (std::size_t i = 0; i < count; ++i) begins_[i + 1] += begins_[i];
        sorted_.resize(pairs.size());
        std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
        for (const NearPair& pair : pairs) sorted_[next[key(pair)]++] = pair;
    }
    std::span<const NearPair> operator[](std::size_t i) const {
        return {sorted_.data() + begins_[i], begins_[i + 1] - begins_[i]};
    }

private:
    std::vector<std::size_t> begins_;
    std::vector<NearPair> sorted_;
};

/// A row that could be nearest, and the highest score that it can have.
struct Candidate {
    std::size_t index;
    double highest;
};

/// Tells which of a few rows is nearest to one.
class Comparison {
public:
    Comparison(const ScanRows& set, const ScanRows& others) : set_(set), others_(others), error_(set) {}

    /// The k <= 2 first of `candidates` by score, then index.
    FloatNeighbour best(std::size_t row, std::vector<Candidate>& candidates, std::size_t k) const {
        if (candidates.size() > k) keep_near(row, candidates, k);
        FloatNeighbour found{static_cast<std::int64_t>(candidates.front().index)};
        if (candidates.size() == 1) return found;
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate& a, const Candidate& b) { return a.index < b.index; });
        float first = -std::numeric_limits<float>::infinity();
        found = {-1, first};
        for (const Candidate& other : candidates) {
            const float score = exact_score(kernels_, set_.metric, set_.rows.row(row),
                                            others_.rows.row(other.index), set_.rows.cols);
            if (found.index < 0 || score > first) {
                found = {static_cast<std::int64_t>(other.index), first};
                first = score;
            } else {
                found.second_score = std::max(found.second_score, score);
            }
        }
        return found;
    }

private:
    /// Keeps those that could be among the k first, by float scores. The most promising are looked at first.
    void keep_near(std::size_t row, std::vector<Candidate>& candidates, std::size_t k) const {
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate& a, const Candidate& b) { return a.highest > b.highest; });
        double first = -std::numeric_limits<double>::infinity(), second = first;
        const double& bar = k == 1 ? first : second;
        std::size_t looked_at = 0;
        for (; looked_at < candidates.size() && candidates[looked_at].highest >= bar; ++looked_at) {
            auto& [index, highest] = candidates[looked_at];
            const double score = float_score(row, index);
            const double margin = error_.bound(set_.lengths[row], others_.lengths[index]);
            if (!std::isfinite(score) || !std::isfinite(margin)) return;
            highest = std::min(highest, score + margin);
            second = std::max(second, std::min(first, score - margin));
            first = std::max(first, score - margin);
        }
        candidates.resize(looked_at);
        std::erase_if(candidates, [&](const Candidate& c) { return c.highest < bar; });
    }

    double float_score(std::size_t row, std::size_t other) const {
        float dot = 0, squared = 0;
        kernels_.dot_rows(set_.rows.row(row), set_.rows.stride, 1, others_.rows.row(other),
                          others_.rows.stride, 1, set_.rows.cols, &dot, 1, &squared);
        const double squared0 = set_.squared[row], squared1 = others_.squared[other];
        if (set_.metric == Metric::l2) return dot - (squared0 + squared1) / 2;
        if (set_.metric == Metric::dot) return dot;
        return squared0 > 0 && squared1 > 0 ? dot / std::sqrt(squared0 * squared1) : 0;
    }

    const kernels::Table& kernels_ = kernels::active();
    const ScanRows &set_, &others_;
    ScanError error_;
};

/// Runs body(first, last) over parts of 0 .. count - 1.
template <class Body>
void in_parts(std::size_t count, Executor& executor, const Body& body) {
    executor.parallel_for(ceil_div(count, rows_per_task), [&](std::size_t task, std::size_t) {
        body(task * rows_per_task, std::min(count, (task + 1) * rows_per_task));
    });
}

/// Decides between the pairs.
FloatNeighbours decide(const NearPairs& near, const ScanRows& set0, const ScanRows& set1, std::size_t k,
                       bool with_mutual, Executor& executor) {
    const std::size_t count0 = set0.rows.rows, count1 = set1.rows.rows;
    FloatNeighbours found{std::vector<FloatNeighbour>(count0), {}};
    const PairsOf by_row(near.pairs, count0, [](const NearPair& pair) { return pair.row; });
    const Comparison of_row(set0, set1);
    in_parts(count0, executor, [&](std::size_t first, std::size_t last) {
        std::vector<Candidate> candidates;
        for (std::size_t i = first; i < last; ++i) {
            candidates.clear();
            for (const NearPair& pair : by_row[i])
                if (pair.highest >= near.row_bars[i]) candidates.push_back({pair.column, pair.highest});
            found.forward[i] = of_row.best(i, candidates, k);
        }
    });
    if (!with_mutual) return found;

    std::vector<std::uint8_t> wanted(count1);  // only these can be mutual
    for (const FloatNeighbour& neighbour : found.forward)
        wanted[static_cast<std::size_t>(neighbour.index)] = 1;
    found.mutual.assign(count1, -1);
    const PairsOf by_column(near.pairs, count1, [](const NearPair& pair) { return pair.column; });
    const Comparison of_column(set1, set0);
    in_parts(count1, executor, [&](std::size_t first, std::size_t last) {
        std::vector<Candidate> candidates;
        for (std::size_t j = first; j < last; ++j) {
            if (!wanted[j]) continue;
            candidates.clear();
            bool any = false;  // whether j is the nearest of one of them
            for (const NearPair& pair : by_column[j])
                if (pair.highest >= near.column_bars[j]) {
                    candidates.push_back({pair.row, pair.highest});
                    any = any || found.forward[pair.row].index == static_cast<std::int64_t>(j);
                }
            if (any) found.mutual[j] = of_column.best(j, candidates, 1).index;
        }
    });
    return found;
}

/// Where scores tell pairs apart too badly: many equal rows, or lengths that overflow.
FloatNeighbours by_search(const ScanRows& set0, const ScanRows& set1, std::size_t k, bool with_mutual,
                          Executor& executor) {
    const std::size_t count0 = set0.rows.rows, count1 = set1.rows.rows;
    std::vector<float> scores(std::max(count0 * k, count1));
    std::vector<std::int64_t> indices(scores.size());
    search(set0.rows, set1.rows, k, set0.metric, {scores.data(), count0, k}, {indices.data(), count0, k},
           executor);
    FloatNeighbours found{std::vector<FloatNeighbour>(count0), {}};
    for (std::size_t i = 0; i < count0; ++i) found.forward[i] = {indices[i * k], scores[i * k + k - 1]};
    if (!with_mutual) return found;
    search(set1.rows, set0.rows, 1, set0.metric, {scores.data(), count1, 1}, {indices.data(), count1, 1},
           executor);
    found.mutual.assign(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(count1));
    return found;
}

}  // namespace

NearestSet::NearestSet(MatrixView<const float> descriptors, Metric metric, const char* name)
    : rows(descriptors, metric, false, scan_unit(descriptors, metric), name) {}

const ScoreTiles& NearestSet::floats() const {
    std::call_once(floats_made_, [&] { floats_ = std::make_unique<FloatTiles>(rows); });
    return *floats_;
}

const ScoreTiles& NearestSet::bytes() const {
    std::call_once(bytes_made_, [&] { bytes_ = std::make_unique<ByteTiles>(rows); });
    return *bytes_;
}

FloatNeighbours nearest_by_score(const NearestSet& set0, MatrixView<const float> rows1, const char* name1,
                                 bool with_second, bool with_mutual, Executor& executor) {
    const ScanRows set1(rows1, set0.rows.metric, true, set0.rows.unit, name1);
    const std::size_t count0 = set0.rows.rows.rows, k = with_second && rows1.rows > 1 ? 2 : 1;
    std::optional<NearPairs> near;
    if (ByteTiles::pay(count0, rows1.rows, rows1.cols))
        near = find_near_pairs(set0.bytes(), count0, set1, k == 2, most_pairs_of_bytes, executor);
    if (!near) near = find_near_pairs(set0.floats(), count0, set1, k == 2, most_pairs_of_floats, executor);
    if (!near) return by_search(set0.rows, set1, k, with_mutual, executor);
    return decide(*near, set0.rows, set1, k, with_mutual, executor);
}

}  // namespace hcbir
