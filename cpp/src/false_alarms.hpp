// How likely the inliers of a model are by chance.
#pragma once

#include <cstdint>
#include <span>

#include "ransac.hpp"

namespace hcbir {

/// See Verification::log10_nfa.
double log10_nfa(const PointMatches& matches, std::span<const std::uint8_t> inlier_mask, GeometricModel model,
                 double max_error);

}  // namespace hcbir
