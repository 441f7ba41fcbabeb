// RANSAC from neighbouring matches, with local optimisation.
#pragma once

#include <optional>
#include <vector>

#include "geometry.hpp"
#include "match_columns.hpp"

namespace hcbir {

/// By how much each match's features say that image 1 is scaled, and turned, in radians; empty if not known.
struct MatchTurns {
    std::vector<double> scale, angle;
};

struct RansacResult {
    std::optional<Matrix3> model;
    std::size_t num_trials = 0;
};

/// Matches and scales are normalised; `max_error` is in the units of matches.x1; `unit` as in is_plausible.
/// Trials, confidence and seed are those of the options.
RansacResult ransac(const PointMatches& matches, const MatchTurns& turns, double max_error, double unit,
                    const VerifyOptions& options);

}  // namespace hcbir
