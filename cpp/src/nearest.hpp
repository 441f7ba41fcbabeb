// Mutual nearest neighbours by dot product, from one pass over the scores.
#pragma once

#include <cstdint>
#include <vector>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// The nearest row of the other set, the first of equally near ones, for each row of both sets.
struct MutualNeighbours {
    std::vector<std::int64_t> forward, backward;
};

/// What search(set0, set1, 1) and search(set1, set0, 1) find by Metric::dot, in one pass over float scores.
/// Where two scores are closer than their error, the row in question is searched for exactly. Neither set may
/// be empty.
MutualNeighbours nearest_by_dot(MatrixView<const float> set0, MatrixView<const float> set1,
                                Executor& executor);

}  // namespace hcbir
