#include "hcbir/match.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "hcbir/error.hpp"
#include "matcher.hpp"
#include "score.hpp"

namespace hcbir {
namespace {

void check(const MatchOptions& options) {
    require(options.max_distance >= 0, "max_distance", "at least 0", std::to_string(options.max_distance));
    require(options.max_ratio >= 0 && (options.max_ratio <= 1 || std::isinf(options.max_ratio)), "max_ratio",
            "from 0 to 1, or infinite for none", std::to_string(options.max_ratio));
}

void check_number(std::size_t number, const char* name) {
    constexpr std::size_t limit = std::numeric_limits<std::int32_t>::max();
    require(number <= limit, name, "at most " + std::to_string(limit) + " rows", std::to_string(number));
}

/// Euclidean distance of two descriptors of this score; for dot and cosine, of unit vectors.
double distance_of(double score, Metric metric) {
    return std::sqrt(std::max(0.0, metric == Metric::l2 ? -score : 2 - 2 * score));
}

Match make_match(std::size_t index0, std::int64_t index1, float score) {
    return {static_cast<std::int32_t>(index0), static_cast<std::int32_t>(index1), score};
}

}  // namespace

Matcher::Matcher(const DescriptorsView& descriptors0, Metric metric, const MatchOptions& options)
    : options_(options), length_(descriptor_length(descriptors0)), is_binary_(is_binary(descriptors0)) {
    check(options);
    check_number(num_descriptors(descriptors0), "descriptors0");
    if (num_descriptors(descriptors0) == 0) return;
    require(length_ > 0, "descriptors0", "of a length of at least 1", "0");
    if (is_binary_) {
        require(length_ <= max_descriptor_bytes, "descriptors0",
                "of at most " + std::to_string(max_descriptor_bytes) + " bytes", std::to_string(length_));
        bits_.emplace(std::get<BinaryDescriptors>(descriptors0).bytes);
    } else {
        floats_.emplace(decode(descriptors0, decoded_), metric, "descriptors0");
    }
}

std::vector<Match> Matcher::match(const DescriptorsView& descriptors1, std::vector<float>& buffer,
                                  Executor& executor) const {
    check_number(num_descriptors(descriptors1), "descriptors1");
    if ((!floats_ && !bits_) || num_descriptors(descriptors1) == 0) return {};
    require(is_binary(descriptors1) == is_binary_, "descriptors1", is_binary_ ? "binary" : "float",
            "the other");
    require(descriptor_length(descriptors1) == length_, "descriptors1",
            "of the length of descriptors0 (" + std::to_string(length_) + ")",
            std::to_string(descriptor_length(descriptors1)));
    if (is_binary_) return match_binary(std::get<BinaryDescriptors>(descriptors1).bytes, executor);
    return match_float(decode(descriptors1, buffer), executor);
}

std::vector<Match> Matcher::match_float(MatrixView<const float> descriptors1, Executor& executor) const {
    const ScanRows& set0 = floats_->rows;
    const bool with_ratio = std::isfinite(options_.max_ratio) && descriptors1.rows > 1;
    const auto [forward, mutual] =
        nearest_by_score(*floats_, descriptors1, "descriptors1", with_ratio, options_.cross_check, executor);
    std::vector<Match> matches;
    for (std::size_t i = 0; i < forward.size(); ++i) {
        if (forward[i].index < 0) continue;
        const auto nearest = static_cast<std::size_t>(forward[i].index);
        if (options_.cross_check && mutual[nearest] != static_cast<std::int64_t>(i)) continue;
        const float score =
            exact_score(kernels::active(), set0.metric, set0.rows.row(i), descriptors1.row(nearest), length_);
        const double distance = distance_of(score, set0.metric);
        if (!(distance < options_.max_distance)) continue;
        if (with_ratio &&
            !(distance < options_.max_ratio * distance_of(forward[i].second_score, set0.metric)))
            continue;
        matches.push_back(make_match(i, forward[i].index, score));
    }
    return matches;
}

std::vector<Match> Matcher::match_binary(MatrixView<const std::uint8_t> descriptors1,
                                         Executor& executor) const {
    const auto [forward, backward] = nearest_by_hamming(*bits_, descriptors1, executor);
    std::vector<Match> matches;
    for (std::size_t i = 0; i < forward.size(); ++i) {
        const auto& [index, distance, second_distance] = forward[i];
        const bool mutual = backward[static_cast<std::size_t>(index)].index == static_cast<std::int64_t>(i);
        const bool alone = second_distance == BitNeighbour::none || !std::isfinite(options_.max_ratio);
        if (options_.cross_check && !mutual) continue;
        if (!(distance < options_.max_distance)) continue;
        if (!alone && !(distance < options_.max_ratio * second_distance)) continue;
        matches.push_back(make_match(i, index, -static_cast<float>(distance)));
    }
    return matches;
}

std::vector<Match> match(MatrixView<const float> descriptors0, MatrixView<const float> descriptors1,
                         Metric metric, const MatchOptions& options, Executor& executor) {
    std::vector<float> unused;
    return Matcher(descriptors0, metric, options).match(descriptors1, unused, executor);
}

std::vector<Match> match(MatrixView<const std::uint8_t> descriptors0,
                         MatrixView<const std::uint8_t> descriptors1, const MatchOptions& options,
                         Executor& executor) {
    std::vector<float> unused;
    return Matcher(BinaryDescriptors{descriptors0}, Metric::dot, options)
        .match(BinaryDescriptors{descriptors1}, unused, executor);
}

}  // namespace hcbir
