#include "hcbir/verify.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "false_alarms.hpp"
#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "ransac.hpp"

namespace hcbir {
namespace {

// Messages are made where they are needed: they would take a good part of a short call.

void check(const VerifyOptions& options) {
    if (!(options.max_error > 0 && std::isfinite(options.max_error)))
        refuse("max_error", "positive", std::to_string(options.max_error));
    if (!(options.confidence > 0 && options.confidence < 1))
        refuse("confidence", "between 0 and 1", std::to_string(options.confidence));
    if (options.max_trials < 1) refuse("max_trials", "at least 1", std::to_string(options.max_trials));
}

/// Of all at once, without branches: whole numbers order as the positive floats that they hold.
bool all_finite(std::span<const float> values, bool and_positive) {
    std::int32_t largest = 0, least = 1;
    for (const float value : values) {
        const auto bits = std::bit_cast<std::int32_t>(value);
        largest = std::max(largest, bits & std::numeric_limits<std::int32_t>::max());
        least = std::min(least, bits);
    }
    return largest < std::bit_cast<std::int32_t>(std::numeric_limits<float>::infinity()) &&
           (!and_positive || least == 1);
}

void check_points(MatrixView<const float> points, const char* name) {
    if (points.cols != 2 && points.rows != 0) refuse(name, "n x 2", std::to_string(points.cols) + " columns");
    if (points.stride == 2 && all_finite({points.data, 2 * points.rows}, false)) return;
    for (std::size_t i = 0; i < points.rows; ++i)
        if (!std::isfinite(points.row(i)[0]) || !std::isfinite(points.row(i)[1]))
            refuse(name, "finite", "a value that is not in row " + std::to_string(i));
}

void check(MatrixView<const float> points0, MatrixView<const float> points1, const VerifyOptions& options) {
    check(options);
    if (points0.rows != points1.rows)
        refuse("points1", "as many as points0 (" + std::to_string(points0.rows) + ")",
               std::to_string(points1.rows));
    check_points(points0, "points0");
    check_points(points1, "points1");
}

void check_offsets(std::span<const std::int64_t> offsets, std::size_t count) {
    require(!offsets.empty() && offsets.front() == 0, "offsets", "from 0",
            offsets.empty() ? "none" : std::to_string(offsets.front()));
    for (std::size_t i = 1; i < offsets.size(); ++i)
        if (offsets[i] < offsets[i - 1])
            refuse("offsets", "ascending",
                   std::to_string(offsets[i]) + " after " + std::to_string(offsets[i - 1]));
    if (static_cast<std::size_t>(offsets.back()) != count)
        refuse("offsets", "up to the number of matches, " + std::to_string(count),
               std::to_string(offsets.back()));
}

PointMatches gather(MatrixView<const float> points0, MatrixView<const float> points1) {
    PointMatches matches;
    for (auto* column : matches.columns()) column->resize(points0.rows);
    for (std::size_t i = 0; i < points0.rows; ++i) {
        matches.x0[i] = points0.row(i)[0], matches.y0[i] = points0.row(i)[1];
        matches.x1[i] = points1.row(i)[0], matches.y1[i] = points1.row(i)[1];
    }
    return matches;
}

void normalize(std::vector<double>& x, std::vector<double>& y, const Normalization& n) {
    for (double& value : x) value = (value - n.x) * n.scale;
    for (double& value : y) value = (value - n.y) * n.scale;
}

void check_frames(const FeatureFrames& frames, std::size_t count) {
    const std::pair<std::span<const float>, const char*> all[] = {{frames.scales0, "scales0"},
                                                                  {frames.orientations0, "orientations0"},
                                                                  {frames.scales1, "scales1"},
                                                                  {frames.orientations1, "orientations1"}};
    for (const auto& [values, name] : all) {
        if (values.size() != count)
            refuse(name, "one a match (" + std::to_string(count) + ")", std::to_string(values.size()));
        const bool is_scale = name[0] == 's';
        if (all_finite(values, is_scale)) continue;
        for (std::size_t i = 0; i < count; ++i)
            if (!std::isfinite(values[i]) || (is_scale && !(values[i] > 0)))
                refuse(name, is_scale ? "positive and finite" : "finite",
                       std::to_string(values[i]) + " in row " + std::to_string(i));
    }
}

MatchTurns turns_of(const FeatureFrames& frames, double unit) {
    MatchTurns turns;
    turns.scale.resize(frames.scales0.size()), turns.angle.resize(frames.scales0.size());
    for (std::size_t i = 0; i < frames.scales0.size(); ++i) {
        turns.scale[i] = static_cast<double>(frames.scales1[i]) / frames.scales0[i] / unit;
        turns.angle[i] = static_cast<double>(frames.orientations1[i]) - frames.orientations0[i];
    }
    return turns;
}

std::vector<double> squared_errors(const Matrix3& model, const PointMatches& m) {
    std::vector<double> errors(m.size());
    kernels::active().squared_errors(
        model.data(), {m.x0.data(), m.y0.data(), m.x1.data(), m.y1.data(), m.size()}, errors.data());
    return errors;
}

/// Of inliers that share a point, only the one of least error stays, the first of equals.
void keep_one_to_one(const PointMatches& m, const std::vector<double>& errors,
                     std::vector<std::uint8_t>& inlier_mask) {
    std::vector<std::pair<double, std::size_t>> inliers;
    for (std::size_t i = 0; i < m.size(); ++i)
        if (inlier_mask[i]) inliers.emplace_back(errors[i], i);
    std::sort(inliers.begin(), inliers.end());
    std::set<std::pair<double, double>> taken0, taken1;
    for (const auto& [error, i] : inliers) {
        const std::pair point0(m.x0[i], m.y0[i]), point1(m.x1[i], m.y1[i]);
        if (taken0.contains(point0) || taken1.contains(point1))
            inlier_mask[i] = 0;
        else
            taken0.insert(point0), taken1.insert(point1);
    }
}

Verification verify_matches(const PointMatches& matches, const FeatureFrames& frames,
                            const VerifyOptions& options) {
    Verification verified;
    verified.inlier_mask.assign(matches.size(), 0);
    verified.model.fill(std::numeric_limits<double>::quiet_NaN());
    if (matches.size() < sample_size(options.model)) return verified;

    const Normalization from = normalization_of(matches.x0, matches.y0),
                        to = normalization_of(matches.x1, matches.y1);
    PointMatches normalized = matches;
    normalize(normalized.x0, normalized.y0, from);
    normalize(normalized.x1, normalized.y1, to);
    const double unit = from.scale / to.scale;
    const auto [model, num_trials] =
        ransac(normalized, turns_of(frames, unit), options.max_error * to.scale, unit, options);
    verified.num_trials = num_trials;
    if (!model) return verified;

    verified.model = denormalize(*model, from, to);
    const std::vector<double> errors = squared_errors(verified.model, matches);
    for (std::size_t i = 0; i < matches.size(); ++i)
        verified.inlier_mask[i] = errors[i] < options.max_error * options.max_error;
    if (options.one_to_one) keep_one_to_one(matches, errors, verified.inlier_mask);
    verified.num_inliers =
        static_cast<std::size_t>(std::count(verified.inlier_mask.begin(), verified.inlier_mask.end(), 1));
    verified.log10_nfa =
        log10_nfa(matches, verified.inlier_mask, options.model, verified.model, options.max_error);
    return verified;
}

}  // namespace

Verification verify(MatrixView<const float> points0, MatrixView<const float> points1,
                    const VerifyOptions& options) {
    check(points0, points1, options);
    require(!options.exhaustive, "exhaustive", "given with scales and orientations", "without");
    return verify_matches(gather(points0, points1), {}, options);
}

Verification verify(MatrixView<const float> points0, MatrixView<const float> points1,
                    const FeatureFrames& frames, const VerifyOptions& options) {
    check(points0, points1, options);
    check_frames(frames, points0.rows);
    return verify_matches(gather(points0, points1), frames, options);
}

void verify_many(MatrixView<const float> points0, MatrixView<const float> points1,
                 const FeatureFrames& frames, std::span<const std::int64_t> offsets,
                 const VerifyOptions& options, std::span<Verification> results, Executor& executor) {
    check(points0, points1, options);
    const bool with_frames = !(frames.scales0.empty() && frames.orientations0.empty() &&
                               frames.scales1.empty() && frames.orientations1.empty());
    if (with_frames) check_frames(frames, points0.rows);
    require(with_frames || points0.rows == 0 || !options.exhaustive, "exhaustive",
            "given with scales and orientations", "without");
    check_offsets(offsets, points0.rows);
    require(results.size() + 1 == offsets.size(), "results", "one a pair of images",
            std::to_string(results.size()));
    executor.parallel_for(results.size(), [&](std::size_t pair, std::size_t) {
        const auto first = static_cast<std::size_t>(offsets[pair]);
        const std::size_t count = static_cast<std::size_t>(offsets[pair + 1]) - first;
        const auto rows = [&](MatrixView<const float> all) {
            return MatrixView<const float>{all.data + first * all.stride, count, all.cols, all.stride};
        };
        const auto part = [&](std::span<const float> all) {
            return with_frames ? all.subspan(first, count) : all;
        };
        results[pair] = verify_matches(gather(rows(points0), rows(points1)),
                                       {part(frames.scales0), part(frames.orientations0),
                                        part(frames.scales1), part(frames.orientations1)},
                                       options);
    });
}

}  // namespace hcbir
