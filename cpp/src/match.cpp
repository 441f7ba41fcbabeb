#include "hcbir/match.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "nearest.hpp"
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
class HammingNeighbours {
public:
    HammingNeighbours(MatrixView<const std::uint8_t> descriptors0,
                      MatrixView<const std::uint8_t> descriptors1, Executor& executor)
        : forward(descriptors0.rows), backward(descriptors1.rows, none) {
        const std::size_t n1 = descriptors1.rows;
        const auto& kernels = kernels::active();
        struct Column {
            std::uint32_t distance = std::numeric_limits<std::uint32_t>::max();
            std::int64_t index = none;
        };
        struct Scratch {
            std::vector<std::uint32_t> distances;
            std::vector<Column> columns;
        };
        std::vector<Scratch> scratch(executor.size());
        const std::size_t num_tasks = (descriptors0.rows + rows_per_task - 1) / rows_per_task;
        executor.parallel_for(num_tasks, [&](std::size_t task, std::size_t worker) {
            auto& [distances, columns] = scratch[worker];
            distances.resize(n1), columns.resize(n1);
            const std::size_t end = std::min((task + 1) * rows_per_task, descriptors0.rows);
            for (std::size_t i = task * rows_per_task; i < end; ++i) {
                kernels.hamming_rows(descriptors0.row(i), descriptors1.data, descriptors1.stride, n1,
                                     descriptors0.cols, distances.data());
                std::uint32_t best = std::numeric_limits<std::uint32_t>::max(), second = best;
                for (std::size_t j = 0; j < n1; ++j) {
                    const std::uint32_t d = distances[j];
                    if (d < second) {
                        if (d < best) {
                            second = best, best = d;
                            forward[i].index = static_cast<std::int64_t>(j);
                        } else {
                            second = d;
                        }
                    }
                    Column& column = columns[j];
                    if (d < column.distance ||
                        (d == column.distance && static_cast<std::int64_t>(i) < column.index))
                        column = {d, static_cast<std::int64_t>(i)};
                }
                forward[i].score = -static_cast<float>(best);
                forward[i].distance = best;
                if (n1 > 1) forward[i].second_distance = second;
            }
        });
        for (std::size_t j = 0; j < n1; ++j) {
            Column best;
            for (const auto& [distances, columns] : scratch) {
                if (columns.empty()) continue;
                const Column& column = columns[j];
                if (column.distance < best.distance ||
                    (column.distance == best.distance && column.index < best.index))
                    best = column;
            }
            backward[j] = best.index;
        }
    }

    std::vector<Neighbour> forward;
    std::vector<std::int64_t> backward;
};

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
    const HammingNeighbours neighbours(descriptors0, descriptors1, executor);
    return keep(neighbours.forward, neighbours.backward, options);
}

}  // namespace hcbir
