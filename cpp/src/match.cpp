#include "hcbir/match.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "nearest.hpp"
#include "nearest_bits.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::int64_t none = -1;
constexpr std::size_t rows_per_task = 64;

/// The nearest row of the other set, and how far it and the next one are.
struct Neighbour {
    std::int64_t index = none;
    float score = 0;
    double distance = 0, second_distance = std::numeric_limits<double>::infinity();
};

void check(const MatchOptions& options) {
    require(options.max_distance >= 0, "max_distance", "at least 0", std::to_string(options.max_distance));
    require(options.max_ratio >= 0, "max_ratio", "at least 0", std::to_string(options.max_ratio));
}

template <class T>
void check_sizes(MatrixView<T> descriptors0, MatrixView<T> descriptors1) {
    require(descriptors0.cols == descriptors1.cols, "descriptors1",
            "of the length of descriptors0 (" + std::to_string(descriptors0.cols) + ")",
            std::to_string(descriptors1.cols));
    constexpr std::size_t limit = std::numeric_limits<std::int32_t>::max();
    require(descriptors0.rows <= limit && descriptors1.rows <= limit, "the number of descriptors",
            "at most " + std::to_string(limit),
            std::to_string(std::max(descriptors0.rows, descriptors1.rows)));
}

/// Euclidean distance of two descriptors of this score; for dot and cosine, of unit vectors.
double distance_of(float score, Metric metric) {
    return std::sqrt(std::max(0.0, metric == Metric::l2 ? -double{score} : 2 - 2 * double{score}));
}

std::vector<Match> keep(const std::vector<Neighbour>& forward, const std::vector<std::int64_t>& backward,
                        const MatchOptions& options) {
    std::vector<Match> matches;
    for (std::size_t i = 0; i < forward.size(); ++i) {
        const Neighbour& n = forward[i];
        if (n.index == none) continue;
        if (options.cross_check &&
            backward[static_cast<std::size_t>(n.index)] != static_cast<std::int64_t>(i))
            continue;
        if (!(n.distance < options.max_distance)) continue;
        if (std::isfinite(options.max_ratio) && !(n.distance < options.max_ratio * n.second_distance))
            continue;
        matches.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(n.index), n.score});
    }
    return matches;
}

/// Neighbours and the distances that the options ask for, by one search a direction.
struct FloatNeighbours {
    std::vector<Neighbour> forward;
    std::vector<std::int64_t> backward;

    FloatNeighbours(MatrixView<const float> descriptors0, MatrixView<const float> descriptors1, Metric metric,
                    const MatchOptions& options, Executor& executor)
        : forward(descriptors0.rows), backward(options.cross_check ? descriptors1.rows : 0) {
        if (metric == Metric::dot && !std::isfinite(options.max_ratio))
            in_one_pass(descriptors0, descriptors1, executor);
        else
            by_search(descriptors0, descriptors1, metric, executor);
    }

private:
    void in_one_pass(MatrixView<const float> descriptors0, MatrixView<const float> descriptors1,
                     Executor& executor) {
        const auto dot = kernels::active().dot_f64;
        auto found = nearest_by_dot(descriptors0, descriptors1, executor);
        for (std::size_t i = 0; i < forward.size(); ++i) {
            const float* neighbour = descriptors1.row(static_cast<std::size_t>(found.forward[i]));
            const auto score = static_cast<float>(dot(descriptors0.row(i), neighbour, descriptors0.cols));
            forward[i] = {found.forward[i], score, distance_of(score, Metric::dot)};
        }
        backward = std::move(found.backward);
    }

    void by_search(MatrixView<const float> descriptors0, MatrixView<const float> descriptors1, Metric metric,
                   Executor& executor) {
        const std::size_t n = descriptors0.rows, k = std::min<std::size_t>(2, descriptors1.rows);
        std::vector<float> scores(n * k), unused(backward.size());
        std::vector<std::int64_t> indices(n * k);
        search(descriptors0, descriptors1, k, metric, {scores.data(), n, k}, {indices.data(), n, k},
               executor);
        for (std::size_t i = 0; i < n; ++i) {
            forward[i] = {indices[i * k], scores[i * k], distance_of(scores[i * k], metric)};
            if (k == 2) forward[i].second_distance = distance_of(scores[i * k + 1], metric);
        }
        if (!backward.empty())
            search(descriptors1, descriptors0, 1, metric, {unused.data(), unused.size(), 1},
                   {backward.data(), backward.size(), 1}, executor);
    }
};

/// Nearest neighbours in both directions among bits: each distance is computed once.
std::vector<Match> match_bits(const BitPanels& set0, MatrixView<const std::uint8_t> set1,
                              const MatchOptions& options, Executor& executor) {
    const auto [forward, backward] = nearest_by_hamming(set0, set1, executor);
    std::vector<Match> matches;
    for (std::size_t i = 0; i < forward.size(); ++i) {
        const auto& [index, distance, second_distance] = forward[i];
        const bool mutual = backward[static_cast<std::size_t>(index)].index == static_cast<std::int64_t>(i);
        if (options.cross_check && !mutual) continue;
        if (!(distance < options.max_distance)) continue;
        if (std::isfinite(options.max_ratio) && second_distance != BitNeighbour::none &&
            !(distance < options.max_ratio * second_distance))
            continue;
        matches.push_back(
            {static_cast<std::int32_t>(i), static_cast<std::int32_t>(index), -static_cast<float>(distance)});
    }
    return matches;
}

}  // namespace

std::vector<Match> match(MatrixView<const float> descriptors0, MatrixView<const float> descriptors1,
                         Metric metric, const MatchOptions& options, Executor& executor) {
    check(options);
    check_sizes(descriptors0, descriptors1);
    if (descriptors0.rows == 0 || descriptors1.rows == 0) return {};
    require_finite(descriptors0, "descriptors0");
    require_finite(descriptors1, "descriptors1");
    const FloatNeighbours neighbours(descriptors0, descriptors1, metric, options, executor);
    return keep(neighbours.forward, neighbours.backward, options);
}

std::vector<Match> match(MatrixView<const std::uint8_t> descriptors0,
                         MatrixView<const std::uint8_t> descriptors1, const MatchOptions& options,
                         Executor& executor) {
    check(options);
    check_sizes(descriptors0, descriptors1);
    if (descriptors0.rows == 0 || descriptors1.rows == 0) return {};
    require(descriptors0.cols <= max_descriptor_bytes, "the length of binary descriptors",
            "at most " + std::to_string(max_descriptor_bytes) + " bytes", std::to_string(descriptors0.cols));
    return match_bits(BitPanels(descriptors0), descriptors1, options, executor);
}

}  // namespace hcbir
