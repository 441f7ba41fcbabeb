// Similarities that the features of single matches propose (Philbin et al. 2007), all of them tried.
#pragma once

#include <vector>

#include "ransac.hpp"

namespace hcbir {

/// The matches whose similarities the others bear out best, the best first, then by smaller index; `most` at
/// most. A match bears out another's similarity by 1 - e^2 / (max_error^2 + (slope d)^2) if that is positive,
/// e being its error and d how far from the other the similarity sends it, and if the two turn alike: to 22
/// degrees for certain, to 45 at most.
std::vector<std::uint32_t> best_frames(const PointMatches& matches, const MatchTurns& turns, double max_error,
                                       std::size_t most);

/// The similarity of a match's features.
Matrix3 similarity_of_frame(const PointMatches& matches, const MatchTurns& turns, std::size_t match);

}  // namespace hcbir
