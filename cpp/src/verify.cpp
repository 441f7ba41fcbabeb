#include "hcbir/verify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "geometry.hpp"
#include "hcbir/error.hpp"
#include "ransac.hpp"

namespace hcbir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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
        require(std::isfinite(points.row(i)[0]) && std::isfinite(points.row(i)[1]), name.c_str(), "finite",
                "a value that is not in row " + std::to_string(i));
}

PointMatches gather(MatrixView<const float> points0, MatrixView<const float> points1) {
    PointMatches matches;
    matches.reserve(points0.rows);
    for (std::size_t i = 0; i < points0.rows; ++i) matches.add(points0.row(i), points1.row(i));
    return matches;
}

void normalize(std::vector<double>& x, std::vector<double>& y, const Normalization& n) {
    for (double& value : x) value = (value - n.x) * n.scale;
    for (double& value : y) value = (value - n.y) * n.scale;
}

/// log10 of n over k.
double log10_binomial(std::size_t n, std::size_t k) {
    double sum = 0;
    for (std::size_t i = 0; i < k; ++i)
        sum += std::log10(static_cast<double>(n - i) / static_cast<double>(i + 1));
    return sum;
}

/// How many different squares with sides of max_error the chosen points of an image lie in: keypoints found
/// twice, at two scales or angles, are no independent evidence.
std::size_t count_places(const std::vector<double>& x, const std::vector<double>& y,
                         const std::vector<std::uint8_t>* chosen, double side) {
    std::vector<std::pair<double, double>> places;
    for (std::size_t i = 0; i < x.size(); ++i)
        if (!chosen || (*chosen)[i]) places.emplace_back(std::floor(x[i] / side), std::floor(y[i] / side));
    std::sort(places.begin(), places.end());
    return static_cast<std::size_t>(std::unique(places.begin(), places.end()) - places.begin());
}

/// See Verification::log10_nfa.
double log10_nfa(const PointMatches& m, const std::vector<std::uint8_t>& inliers,
                 const VerifyOptions& options) {
    const auto places = [&](const std::vector<std::uint8_t>* chosen) {
        return std::min(count_places(m.x0, m.y0, chosen, options.max_error),
                        count_places(m.x1, m.y1, chosen, options.max_error));
    };
    const std::size_t n = places(nullptr), k = std::min(places(&inliers), n),
                      sample = sample_size(options.model);
    if (k <= sample) return infinity;
    const auto [left, right] = std::minmax_element(m.x1.begin(), m.x1.end());
    const auto [top, bottom] = std::minmax_element(m.y1.begin(), m.y1.end());
    const double area = (*right - *left) * (*bottom - *top);
    const double by_chance = std::numbers::pi * options.max_error * options.max_error / area;
    if (!(by_chance < 1)) return infinity;
    return std::log10(static_cast<double>(n - sample)) + log10_binomial(n, k) + log10_binomial(k, sample) +
           static_cast<double>(k - sample) * std::log10(by_chance);
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
    verified.log10_nfa = log10_nfa(matches, verified.inlier_mask, options);
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
