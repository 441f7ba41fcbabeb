// RANSAC from neighbouring matches, with local optimisation.
#pragma once

#include <optional>
#include <vector>

#include "geometry.hpp"

namespace hcbir {

/// Matched points as a structure of arrays.
struct PointMatches {
    std::vector<double> x0, y0, x1, y1;

    std::size_t size() const { return x0.size(); }
    std::array<std::vector<double>*, 4> columns() { return {&x0, &y0, &x1, &y1}; }
    std::array<const std::vector<double>*, 4> columns() const { return {&x0, &y0, &x1, &y1}; }
};

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
