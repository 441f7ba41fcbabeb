// One pass over the scores of two sets: the pairs that could be nearest neighbours.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hcbir/parallel.hpp"
#include "score_tiles.hpp"

namespace hcbir {

struct NearPair {
    std::uint32_t row, column;
    float lowest, highest;  // that the score can be
};

/// Pairs that could be the nearest (or second) of their row or the nearest of their column, and what the best
/// of each reach at least.
struct NearPairs {
    std::vector<NearPair> pairs;
    std::vector<float> row_bars, column_bars;
};

/// Of rows of `tiles`' set and of set1. Nothing if there are so many that they are not worth being looked at:
/// more than `most` on average a row or column.
std::optional<NearPairs> find_near_pairs(const ScoreTiles& tiles, std::size_t num_rows, const ScanRows& set1,
                                         bool with_second, double most, Executor& executor);

}  // namespace hcbir
