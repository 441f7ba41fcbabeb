// Nearest neighbours of float descriptors, in both directions from one pass over the scores.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "hcbir/parallel.hpp"
#include "score_tiles.hpp"

namespace hcbir {

/// One set, to be compared with one after another; the descriptors must outlive it.
class NearestSet {
public:
    NearestSet(MatrixView<const float> descriptors, Metric metric, const char* name);

    const ScanRows rows;
    const ScoreTiles& floats() const;
    const ScoreTiles& bytes() const;

private:
    mutable std::once_flag floats_made_, bytes_made_;
    mutable std::unique_ptr<const ScoreTiles> floats_, bytes_;
};

/// The nearest row of the other set, the first of equally near ones, and the score of the next.
struct FloatNeighbour {
    std::int64_t index = -1;  // where this was not asked for
    float second_score = 0;   // if asked for, and the other set has two rows
};

struct FloatNeighbours {
    /// Of set0's rows; without second scores, where mutual ones are asked for, only of those that have one or
    /// could not be told apart from such.
    std::vector<FloatNeighbour> forward;
    /// Of set1's rows, if asked for: the row of set0 of which it is the nearest and which is its nearest, or
    /// -1.
    std::vector<std::int64_t> mutual;
};

/// What search(set0, set1, 1 or 2) and search(set1, set0, 1) find. The scan, in bytes where they are faster,
/// tells which pairs could be nearest; these are compared by what search reports. Neither set may be empty.
FloatNeighbours nearest_by_score(const NearestSet& set0, MatrixView<const float> set1, const char* name1,
                                 bool with_second, bool with_mutual, Executor& executor);

}  // namespace hcbir
