// The last fit of a model.
#pragma once

#include <optional>

#include "geometry.hpp"
#include "match_columns.hpp"

namespace hcbir {

/// The most likely model if the errors below `reach` follow Student's t distribution, which has room for
/// keypoints found much worse than others: by expectation and maximisation (Lange, Little and Taylor 1989)
/// from `start`. Their scale follows from the errors, so that max_error need not be what keypoints are known
/// to. Units as in ransac.
std::optional<Matrix3> most_likely_model(GeometricModel type, const Matrix3& start,
                                         const Columns<double>& matches, double reach, double max_error,
                                         double unit);

}  // namespace hcbir
