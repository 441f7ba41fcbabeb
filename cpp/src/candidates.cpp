#include "hcbir/candidates.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "hcbir/error.hpp"
#include "matcher.hpp"

namespace hcbir {
namespace {

void check_shape(const LocalFeaturesView& features, const std::string& name) {
    const std::size_t count = features.keypoints.rows, given = num_descriptors(features.descriptors);
    require(features.keypoints.cols == 2 || count == 0, ("keypoints of " + name).c_str(), "n x 2",
            std::to_string(features.keypoints.cols) + " columns");
    require(given == count, ("descriptors of " + name).c_str(),
            "one a keypoint (" + std::to_string(count) + ")", std::to_string(given));
}

void check_kind(const DescriptorsView& descriptors, const DescriptorsView& query, const std::string& name) {
    const std::string what = "descriptors of " + name;
    require(is_binary(descriptors) == is_binary(query), what.c_str(), "of the query's kind",
            is_binary(descriptors) ? "binary" : "float");
    require(descriptor_length(descriptors) == descriptor_length(query), what.c_str(),
            "of the query's length (" + std::to_string(descriptor_length(query)) + ")",
            std::to_string(descriptor_length(descriptors)));
}

void check_frames(const LocalFeaturesView& features, const std::string& name) {
    const std::size_t count = features.keypoints.rows;
    for (const auto& [values, what] :
         {std::pair(features.scales, "scales of "), std::pair(features.orientations, "orientations of ")}) {
        require(values.size() == count, (what + name).c_str(),
                "one a keypoint (" + std::to_string(count) + ") to be used",
                values.empty() ? "none" : std::to_string(values.size()));
        const bool is_scale = *what == 's';
        for (std::size_t i = 0; i < count; ++i)
            if (!std::isfinite(values[i]) || (is_scale && !(values[i] > 0)))
                refuse((what + name).c_str(), is_scale ? "positive and finite" : "finite",
                       std::to_string(values[i]) + " in row " + std::to_string(i));
    }
}

void check_points(MatrixView<const float> points, const std::string& name) {
    for (std::size_t i = 0; i < points.rows; ++i)
        if (!std::isfinite(points.row(i)[0]) || !std::isfinite(points.row(i)[1]))
            refuse(("keypoints of " + name).c_str(), "finite",
                   "a value that is not in row " + std::to_string(i));
}

/// One thread's memory.
struct Scratch {
    std::vector<float> decoded, points0, points1, frames[4];
};

CandidateVerification verify_matches(const LocalFeaturesView& query, const LocalFeaturesView& candidate,
                                     const std::vector<Match>& matches, const CandidateOptions& options,
                                     Scratch& scratch) {
    if (matches.empty() || static_cast<std::int64_t>(matches.size()) < options.min_inliers) return {};
    auto& [decoded, points0, points1, frames] = scratch;
    points0.clear(), points1.clear();
    for (auto& values : frames) values.clear();
    for (const Match& m : matches) {
        const auto i = static_cast<std::size_t>(m.index0), j = static_cast<std::size_t>(m.index1);
        const float *point0 = query.keypoints.row(i), *point1 = candidate.keypoints.row(j);
        points0.insert(points0.end(), point0, point0 + 2);
        points1.insert(points1.end(), point1, point1 + 2);
        if (!options.use_frames) continue;
        frames[0].push_back(query.scales[i]), frames[1].push_back(query.orientations[i]);
        frames[2].push_back(candidate.scales[j]), frames[3].push_back(candidate.orientations[j]);
    }
    const MatrixView<const float> p0{points0.data(), matches.size(), 2},
        p1{points1.data(), matches.size(), 2};
    const Verification verified =
        options.use_frames ? verify(p0, p1, {frames[0], frames[1], frames[2], frames[3]}, options.verify)
                           : verify(p0, p1, options.verify);
    const auto num_inliers = static_cast<std::int32_t>(verified.num_inliers);
    if (num_inliers < options.min_inliers) return {};
    return {num_inliers, verified.log10_nfa};
}

}  // namespace

void verify_candidates(const LocalFeaturesView& query, std::span<const LocalFeaturesView> candidates,
                       const CandidateOptions& options, std::span<CandidateVerification> results,
                       Executor& executor) {
    require(results.size() == candidates.size(), "results", "one a candidate",
            std::to_string(results.size()));
    if (options.use_frames)  // checks the options
        verify({}, {}, {}, options.verify);
    else
        verify({}, {}, options.verify);
    check_shape(query, "the query");
    check_points(query.keypoints, "the query");
    if (options.use_frames) check_frames(query, "the query");
    for (std::size_t c = 0; c < candidates.size(); ++c) {
        const std::string name = "candidate " + std::to_string(c);
        check_shape(candidates[c], name);
        if (query.keypoints.rows > 0 && candidates[c].keypoints.rows > 0)
            check_kind(candidates[c].descriptors, query.descriptors, name);
    }
    const Matcher matcher(query.descriptors, options.metric, options.match);
    std::vector<Scratch> scratch(executor.size());
    executor.parallel_for(candidates.size(), [&](std::size_t c, std::size_t w) {
        check_points(candidates[c].keypoints, "candidate " + std::to_string(c));
        if (options.use_frames) check_frames(candidates[c], "candidate " + std::to_string(c));
        SerialExecutor serial;
        const auto matches = matcher.match(candidates[c].descriptors, scratch[w].decoded, serial);
        results[c] = verify_matches(query, candidates[c], matches, options, scratch[w]);
    });
}

}  // namespace hcbir
