// Geometric verification: RANSAC inlier count of matched points.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hcbir/match.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

enum class GeometricModel { similarity, affine, homography };

struct VerifyOptions {
    GeometricModel model = GeometricModel::affine;
    double max_error = 8.0;  // pixels; an inlier's transfer error in image 1 is strictly below
    double confidence = 0.999;
    std::size_t min_trials = 50;
    std::size_t max_trials = 10000;
    std::uint64_t seed = 0;
};

struct Verification {
    std::size_t num_inliers = 0;
    std::vector<std::uint8_t> inlier_mask;  // one a pair, 0 or 1
    std::array<double, 9> model{};          // row-major; NaN if no model was found
    std::size_t num_trials = 0;
};

/// Estimates the model that maps points0 to points1 (both n x 2, pixels, x before y).
Verification verify(MatrixView<const float> points0, MatrixView<const float> points1,
                    const VerifyOptions& options);

/// An image's local features; exactly one of float_descriptors and binary_descriptors has data.
struct LocalFeaturesView {
    MatrixView<const float> keypoints;  // n x 2
    MatrixView<const float> float_descriptors;
    MatrixView<const std::uint8_t> binary_descriptors;
};

/// inlier_counts[c] = inliers of match(query, candidates[c]) under verify; parallel over candidates.
void count_inliers(const LocalFeaturesView& query, std::span<const LocalFeaturesView> candidates,
                   Metric metric, const MatchOptions& match_options, const VerifyOptions& verify_options,
                   std::span<std::int32_t> inlier_counts, Executor& executor);

}  // namespace hcbir
