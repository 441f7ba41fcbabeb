// How likely the inliers of a model are by chance.
#pragma once

#include <cstdint>
#include <span>

#include "geometry.hpp"
#include "match_columns.hpp"

namespace hcbir {

/// See Verification::log10_nfa.
double log10_nfa(const PointMatches& matches, std::span<const std::uint8_t> inlier_mask, GeometricModel type,
                 const Matrix3& model, double max_error);

/// The same of numbers, if a point of image 1 is an inlier with this probability by chance.
double log10_nfa(std::size_t num_matches, std::size_t num_inliers, std::size_t sample, double by_chance);

/// That probability: the share of the bounding box of image 1's points within max_error of a place.
double share_by_chance(const PointMatches& matches, double max_error);

}  // namespace hcbir
