// Which of the pairs that could be nearest neighbours are.
#pragma once

#include "near_pairs.hpp"
#include "nearest.hpp"

namespace hcbir {

/// Of the two sets that the pairs were found in. Scores in float, with bounds, leave few pairs, which are
/// compared by what search reports.
FloatNeighbours decide_pairs(NearPairs near, const ScanRows& set0, const ScanRows& set1, bool with_second,
                             bool with_mutual, Executor& executor);

}  // namespace hcbir
