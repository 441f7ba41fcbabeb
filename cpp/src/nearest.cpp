#include "nearest.hpp"

#include <algorithm>
#include <cmath>

#include "decide_pairs.hpp"

namespace hcbir {
namespace {

// A pair that is looked at costs about as much as the bytes save on this many of floats.
constexpr double most_pairs_of_bytes = 24, most_pairs_of_floats = 64;

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
    return decide_pairs(std::move(*near), set0.rows, set1, k == 2, with_mutual, executor);
}

}  // namespace hcbir
