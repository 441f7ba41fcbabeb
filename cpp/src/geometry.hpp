// Models that map points to points, and how to estimate them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "hcbir/verify.hpp"
#include "kernels/abi.hpp"

namespace hcbir {

using Matrix3 = std::array<double, 9>;  // row-major

/// p -> scale * (p - centre).
struct Normalization {
    double x = 0, y = 0, scale = 1;
};

/// Moves the points' centroid to the origin and their root mean square distance from it to sqrt(2) (Hartley
/// 1997).
Normalization normalization_of(std::span<const double> x, std::span<const double> y);

/// The model for points as they were, given the one for normalised points.
Matrix3 denormalize(const Matrix3& model, const Normalization& from, const Normalization& to);

/// The model m' of p -> m'(p - (x0, y0)) + (x1, y1), with last element 1; nothing if that is not positive.
std::optional<Matrix3> moved(const Matrix3& model, double x0, double y0, double x1, double y1);

/// Number of matches that determine a model.
std::size_t sample_size(GeometricModel type);

/// One Gauss-Newton step on the weighted transfer errors from `start`, whose last element is 1: for
/// similarity and affine it ends in the minimum. `prior` is added to the squared errors for each unit of
/// a homography's squared (g, h), its elements 6 and 7. Nothing if the sums determine no model.
std::optional<Matrix3> gauss_newton_step(GeometricModel type, const kernels::NormalSums& sums,
                                         const Matrix3& start, double prior);

constexpr double max_stretch = 20;

/// Whether the model keeps orientation at the origin and stretches by a factor from 1 / max_stretch to
/// max_stretch there; `unit` is the length in image 1, in its units, of a unit of image 0.
bool is_plausible(const Matrix3& model, double unit);

}  // namespace hcbir
