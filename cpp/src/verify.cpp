#include "hcbir/verify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "false_alarms.hpp"
#include "hcbir/error.hpp"
#include "ransac.hpp"

namespace hcbir {
namespace {

void check(const VerifyOptions& options) {
    require(options.max_error > 0 && std::isfinite(options.max_error), "max_error", "positive",
            std::to_string(options.max_error));
    require(options.confidence > 0 && options.confidence < 1, "confidence", "between 0 and 1",
            std::to_string(options.confidence));
    require(options.max_trials >= 1, "max_trials", "at least 1", std::to_string(options.max_trials));
}

void check_points(MatrixView<const float> points, const std::string& name) {
    require(points.cols == 2 || points.rows == 0, name.c_str(), "n x 2",
            std::to_string(points.cols) + " columns");
    for (std::size_t i = 0; i < points.rows; ++i)
        if (!std::isfinite(points.row(i)[0]) || !std::isfinite(points.row(i)[1]))
            require(false, name.c_str(), "finite", "a value that is not in row " + std::to_string(i));
}

PointMatches gather(MatrixView<const float> points0, MatrixView<const float> points1) {
    PointMatches matches;
    for (auto* column : matches.columns()) column->reserve(points0.rows);
    for (std::size_t i = 0; i < points0.rows; ++i) {
        matches.x0.push_back(points0.row(i)[0]), matches.y0.push_back(points0.row(i)[1]);
        matches.x1.push_back(points1.row(i)[0]), matches.y1.push_back(points1.row(i)[1]);
    }
    return matches;
}

void normalize(std::vector<double>& x, std::vector<double>& y, const Normalization& n) {
    for (double& value : x) value = (value - n.x) * n.scale;
    for (double& value : y) value = (value - n.y) * n.scale;
}

Verification verify_matches(const PointMatches& matches, const VerifyOptions& options) {
    Verification verified;
    verified.inlier_mask.assign(matches.size(), 0);
    verified.model.fill(std::numeric_limits<double>::quiet_NaN());
    if (matches.size() < sample_size(options.model)) return verified;

    const Normalization from = normalization_of(matches.x0, matches.y0),
                        to = normalization_of(matches.x1, matches.y1);
    PointMatches normalized = matches;
    normalize(normalized.x0, normalized.y0, from);
    normalize(normalized.x1, normalized.y1, to);
    const auto [model, num_trials] =
        ransac(normalized, options.max_error * to.scale, from.scale / to.scale, options);
    verified.num_trials = num_trials;
    if (!model) return verified;

    verified.model = denormalize(*model, from, to);
    for (std::size_t i = 0; i < matches.size(); ++i) {
        const double squared =
            squared_error(verified.model, matches.x0[i], matches.y0[i], matches.x1[i], matches.y1[i]);
        verified.inlier_mask[i] = squared < options.max_error * options.max_error;
        verified.num_inliers += verified.inlier_mask[i];
    }
    verified.log10_nfa = log10_nfa(matches, verified.inlier_mask, options.model, options.max_error);
    return verified;
}

}  // namespace

Verification verify(MatrixView<const float> points0, MatrixView<const float> points1,
                    const VerifyOptions& options) {
    check(options);
    require(points0.rows == points1.rows, "points1",
            "as many as points0 (" + std::to_string(points0.rows) + ")", std::to_string(points1.rows));
    check_points(points0, "points0");
    check_points(points1, "points1");
    return verify_matches(gather(points0, points1), options);
}

}  // namespace hcbir
