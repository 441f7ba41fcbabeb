#include "nearest.hpp"

#include <algorithm>
#include <limits>

#include "aligned.hpp"
#include "hcbir/search.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t unsure = -1;

/// Storage of a kernels::Best.
struct BestArrays {
    std::vector<float> first, second;
    std::vector<std::uint32_t> index;

    explicit BestArrays(std::size_t count) : first(count), second(count), index(count) { clear(); }

    void clear() {
        std::fill(first.begin(), first.end(), -infinity);
        std::fill(second.begin(), second.end(), -infinity);
    }
    kernels::Best at(std::size_t i) { return {first.data() + i, second.data() + i, index.data() + i}; }

    /// Adds what was found elsewhere: equal firsts leave no gap to the second.
    void take(std::size_t i, float other_first, float other_second, std::uint32_t other_index) {
        if (other_first > first[i]) {
            second[i] = std::max(first[i], other_second);
            first[i] = other_first, index[i] = other_index;
        } else {
            second[i] = std::max(second[i], other_first);
        }
    }
};

/// Upper bounds of the rows' lengths.
std::vector<double> lengths(MatrixView<const float> set, const DotError& error) {
    std::vector<float> squared(set.rows);
    kernels::active().squared_norms(set.data, set.stride, set.rows, set.cols, squared.data());
    std::vector<double> bounds(set.rows);
    std::transform(squared.begin(), squared.end(), bounds.begin(), [&](float s) { return error.length(s); });
    return bounds;
}

/// The index of the first, unless the second could be as large. False for values that are not finite too.
std::int64_t certain(float first, float second, std::uint32_t index, double length, double longest,
                     const DotError& error) {
    const double margin = 2 * (error.relative * length * longest + error.underflow);
    const bool known = longest * length < 1e38 && double{first} - double{second} > margin;
    return known ? static_cast<std::int64_t>(index) : unsure;
}

/// Searches for the rows that one float score does not decide.
void settle(std::vector<std::int64_t>& nearest, MatrixView<const float> set, MatrixView<const float> others,
            Executor& executor) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < nearest.size(); ++i)
        if (nearest[i] == unsure) rows.push_back(i);
    if (rows.empty()) return;
    std::vector<float> gathered, scores(rows.size());
    std::vector<std::int64_t> indices(rows.size());
    for (const std::size_t i : rows) gathered.insert(gathered.end(), set.row(i), set.row(i) + set.cols);
    search({gathered.data(), rows.size(), set.cols}, others, 1, Metric::dot, {scores.data(), rows.size(), 1},
           {indices.data(), rows.size(), 1}, executor);
    for (std::size_t r = 0; r < rows.size(); ++r) nearest[rows[r]] = indices[r];
}

}  // namespace

MutualNeighbours nearest_by_dot(MatrixView<const float> set0, MatrixView<const float> set1,
                                Executor& executor) {
    const auto& kernels = kernels::active();
    const std::size_t dim = set0.cols, height = kernels.tile_queries, width = kernels.tile_rows;
    const std::size_t num_panels0 = ceil_div(set0.rows, height), padded1 = ceil_div(set1.rows, width) * width;
    const DotError error(dim);
    const auto lengths0 = lengths(set0, error), lengths1 = lengths(set1, error);
    const double longest0 = *std::max_element(lengths0.begin(), lengths0.end());
    const double longest1 = *std::max_element(lengths1.begin(), lengths1.end());

    AlignedBuffer<float> panels1(padded1 * dim);
    pack_panels(set1, 0, set1.rows, width, panels1.data());

    struct Worker {
        AlignedBuffer<float> panel, scores;
        BestArrays by_query, by_row;
    };
    std::vector<Worker> workers;
    for (std::size_t w = 0; w < std::min(executor.size(), num_panels0); ++w)
        workers.push_back({AlignedBuffer<float>(height * dim), AlignedBuffer<float>(height * width),
                           BestArrays(height * width), BestArrays(padded1)});

    MutualNeighbours found{std::vector<std::int64_t>(set0.rows), std::vector<std::int64_t>(set1.rows)};
    executor.parallel_for(num_panels0, [&](std::size_t p, std::size_t w) {
        auto& [panel, scores, by_query, by_row] = workers[w];
        const std::size_t first = p * height, count = std::min(height, set0.rows - first);
        pack_panels(set0, first, count, height, panel.data());
        by_query.clear();
        for (std::size_t j = 0; j < padded1; j += width) {
            kernels.dot_tile(panel.data(), panels1.data() + j * dim, dim, scores.data());
            for (std::size_t c = set1.rows; c < j + width; ++c)  // padding is nobody's neighbour
                for (std::size_t i = 0; i < count; ++i) scores[i * width + c - j] = -infinity;
            kernels.update_best(scores.data(), count, static_cast<std::uint32_t>(first),
                                static_cast<std::uint32_t>(j), by_query.at(0), by_row.at(j));
        }
        for (std::size_t i = 0; i < count; ++i) {
            BestArrays best(1);
            for (std::size_t lane = i * width; lane < (i + 1) * width; ++lane)
                best.take(0, by_query.first[lane], by_query.second[lane], by_query.index[lane]);
            found.forward[first + i] =
                certain(best.first[0], best.second[0], best.index[0], lengths0[first + i], longest1, error);
        }
    });
    BestArrays& by_row = workers.front().by_row;
    for (std::size_t j = 0; j < set1.rows; ++j) {
        for (std::size_t w = 1; w < workers.size(); ++w) {
            const BestArrays& other = workers[w].by_row;
            by_row.take(j, other.first[j], other.second[j], other.index[j]);
        }
        found.backward[j] =
            certain(by_row.first[j], by_row.second[j], by_row.index[j], lengths1[j], longest0, error);
    }
    settle(found.forward, set0, set1, executor);
    settle(found.backward, set1, set0, executor);
    return found;
}

}  // namespace hcbir
