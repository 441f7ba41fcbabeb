// Models that map points to points, and how to estimate them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "hcbir/verify.hpp"

namespace hcbir {

using Matrix3 = std::array<double, 9>;  // row-major

/// Matched points as a structure of arrays.
struct PointMatches {
    std::vector<double> x0, y0, x1, y1;

    std::size_t size() const { return x0.size(); }
    void reserve(std::size_t count) {
        for (auto* values : {&x0, &y0, &x1, &y1}) values->reserve(count);
    }
    void add(const float* point0, const float* point1) {
        x0.push_back(point0[0]), y0.push_back(point0[1]);
        x1.push_back(point1[0]), y1.push_back(point1[1]);
    }
};

/// p -> scale * (p - centre).
struct Normalization {
    double x = 0, y = 0, scale = 1;
};

/// Moves the points' centroid to the origin and their root mean square distance from it to sqrt(2) (Hartley
/// 1997).
Normalization normalization_of(std::span<const double> x, std::span<const double> y);

/// The model for points as they were, given the one for normalised points.
Matrix3 denormalize(const Matrix3& model, const Normalization& from, const Normalization& to);

/// Number of matches that determine a model.
std::size_t sample_size(GeometricModel type);

/// The model through a sample, or nothing if the sample is degenerate (points that coincide or lie on a line)
/// or turns the plane over.
std::optional<Matrix3> fit_sample(GeometricModel type, const PointMatches& matches,
                                  std::span<const std::size_t> sample);

/// The model of least weighted squared error: for similarity and affine the minimum, for homography one
/// Gauss-Newton step from `start`.
std::optional<Matrix3> fit_weighted(GeometricModel type, const PointMatches& matches,
                                    std::span<const double> weights, const Matrix3& start);

/// Whether the model keeps orientation at the origin and stretches by a factor from 1 / max_stretch to
/// max_stretch there; `unit` is the length in image 1, in its units, of a unit of image 0.
bool is_plausible(const Matrix3& model, double unit, double max_stretch);

/// |model(x0, y0) - (x1, y1)|^2, infinite where the model sends the point to infinity or beyond.
double squared_error(const Matrix3& model, double x0, double y0, double x1, double y1);

}  // namespace hcbir
