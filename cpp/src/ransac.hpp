// RANSAC with local optimisation over normalised matches.
#pragma once

#include <optional>

#include "geometry.hpp"

namespace hcbir {

struct RansacResult {
    std::optional<Matrix3> model;
    std::size_t num_trials = 0;
};

/// `max_error` is in the units of matches.x1; `unit` as in is_plausible. Trials, confidence and seed are
/// those of the options.
RansacResult ransac(const PointMatches& matches, double max_error, double unit, const VerifyOptions& options);

}  // namespace hcbir
