#include "nearest.hpp"

#include <algorithm>
#include <cmath>

#include "panels.hpp"

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t unsure = -1;
constexpr double longest_product = 1e38;           // of two lengths, so that no partial sum overflows
constexpr float smallest_squared_length = 1e-30f;  // that can be divided by

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

/// Bounds on the difference between a product of scanned rows and what it stands for, score or half the
/// score.
class ScanError {
public:
    explicit ScanError(const ScanRows& set)
        : error_(set.dim), factor_(set.metric == Metric::dot ? 1 : 3), unit_(std::max(1.0f, set.unit)) {}

    /// Infinite where overflow may be the reason.
    double bound(double length0, double length1) const {
        if (!(length0 * length1 < longest_product)) return infinity;
        return factor_ * error_.relative * length0 * length1 + 4 * error_.underflow * unit_;
    }

private:
    DotError error_;
    double factor_, unit_;
};

/// The row's nearest, unless the second could be as near.
FloatNeighbour certain(const BestArrays& best, std::size_t i, double error, Metric metric) {
    const double first = best.first[i], second = best.second[i], times = metric == Metric::l2 ? 2 : 1;
    const bool known = first - second > 2 * error;  // false for NaN
    return {known ? static_cast<std::int64_t>(best.index[i]) : unsure, times * (second - error),
            times * (second + error)};
}

/// Searches for the rows that one float score does not decide.
template <class IndexOf>
void settle(std::size_t count, const IndexOf& index_of, MatrixView<const float> set,
            MatrixView<const float> others, Metric metric, Executor& executor) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < count; ++i)
        if (index_of(i) == unsure) rows.push_back(i);
    if (rows.empty()) return;
    std::vector<float> gathered, scores(rows.size());
    std::vector<std::int64_t> indices(rows.size());
    for (const std::size_t i : rows) gathered.insert(gathered.end(), set.row(i), set.row(i) + set.cols);
    search({gathered.data(), rows.size(), set.cols}, others, 1, metric, {scores.data(), rows.size(), 1},
           {indices.data(), rows.size(), 1}, executor);
    for (std::size_t r = 0; r < rows.size(); ++r) index_of(rows[r]) = indices[r];
}

/// A power of two near the length of the longest row.
float unit_of(MatrixView<const float> rows) {
    std::vector<float> squared(rows.rows);
    kernels::active().squared_norms(rows.data, rows.stride, rows.rows, rows.cols, squared.data());
    const float longest = std::sqrt(*std::max_element(squared.begin(), squared.end()));
    return longest > 0 && std::isfinite(longest) ? std::ldexp(1.0f, std::ilogb(longest)) : 1.0f;
}

}  // namespace

ScanRows::ScanRows(MatrixView<const float> rows_, Metric metric_, bool is_second, float unit_,
                   const char* name)
    : rows(rows_),
      metric(metric_),
      dim(rows.cols + (metric == Metric::l2 ? 2 : 0)),
      lengths(rows.rows),
      unit(unit_),
      is_second_(is_second),
      squared_(rows.rows) {
    kernels::active().squared_norms(rows.data, rows.stride, rows.rows, rows.cols, squared_.data());
    const DotError error(rows.cols);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        const float squared = squared_[i];
        if (!std::isfinite(squared)) require_finite(rows, name);
        double& length = lengths[i] = error.length(squared);
        if (metric == Metric::cosine)
            length = squared == 0 || squared > smallest_squared_length ? 1 + 4 * error.relative : infinity;
        if (metric == Metric::l2) {
            const double half = length * length / 2 / unit;
            length = std::sqrt(length * length + half * half + double{unit} * unit) * (1 + 1e-12);
        }
        longest = std::max(longest, length);
    }
}

void ScanRows::pack(std::size_t first, std::size_t count, std::size_t width, float* panels) const {
    for (std::size_t begin = 0; begin < count; begin += width, panels += width * dim) {
        const std::size_t filled = std::min(width, count - begin);
        pack_panels(rows, first + begin, filled, width, panels);
        const float* squared = squared_.data() + first + begin;
        if (metric == Metric::cosine) {
            float inverse[64] = {};
            for (std::size_t r = 0; r < filled; ++r)
                inverse[r] = squared[r] > 0 ? 1 / std::sqrt(squared[r]) : 0.0f;
            for (std::size_t c = 0; c < dim; ++c)
                for (std::size_t r = 0; r < width; ++r) panels[c * width + r] *= inverse[r];
        } else if (metric == Metric::l2) {
            float* half = panels + (rows.cols + is_second_) * width;
            float* one = panels + (rows.cols + !is_second_) * width;
            for (std::size_t r = 0; r < width; ++r) {
                half[r] = r < filled ? squared[r] / -2 / unit : 0.0f;
                one[r] = unit;
            }
        }
    }
}

FloatPanels::FloatPanels(MatrixView<const float> descriptors, Metric metric, const char* name)
    : kernels(kernels::active()),
      set(descriptors, metric, false, metric == Metric::l2 ? unit_of(descriptors) : 1.0f, name),
      panels_(ceil_div(descriptors.rows, kernels.tile_rows) * kernels.tile_rows * set.dim) {
    set.pack(0, descriptors.rows, kernels.tile_rows, panels_.data());
}

FloatNeighbours nearest_by_score(const FloatPanels& panels0, MatrixView<const float> rows1, const char* name1,
                                 Executor& executor) {
    const auto& kernels = panels0.kernels;
    const ScanRows& set0 = panels0.set;
    const ScanRows set1(rows1, set0.metric, true, set0.unit, name1);
    const std::size_t dim = set0.dim, height = kernels.tile_queries, width = kernels.tile_rows;
    const std::size_t count0 = set0.rows.rows, count1 = rows1.rows;
    const std::size_t padded0 = ceil_div(count0, width) * width, num_tasks = ceil_div(count1, height);
    const ScanError error(set0);

    struct Worker {
        AlignedBuffer<float> panel, scores;
        BestArrays by_query, by_row;
    };
    std::vector<Worker> workers;
    for (std::size_t w = 0; w < std::min(executor.size(), num_tasks); ++w)
        workers.push_back({AlignedBuffer<float>(height * dim), AlignedBuffer<float>(height * width),
                           BestArrays(height * width), BestArrays(padded0)});

    FloatNeighbours found{std::vector<FloatNeighbour>(count0), std::vector<std::int64_t>(count1)};
    executor.parallel_for(num_tasks, [&](std::size_t task, std::size_t w) {
        auto& [panel, scores, by_query, by_row] = workers[w];
        const std::size_t first = task * height, count = std::min(height, count1 - first);
        set1.pack(first, count, height, panel.data());
        by_query.clear();
        for (std::size_t j = 0; j < padded0; j += width) {
            kernels.dot_tile(panel.data(), panels0.panel(j), dim, scores.data());
            for (std::size_t c = count0; c < j + width; ++c)  // padding is nobody's neighbour
                for (std::size_t i = 0; i < count; ++i) scores[i * width + c - j] = -infinity;
            kernels.update_best(scores.data(), count, static_cast<std::uint32_t>(first),
                                static_cast<std::uint32_t>(j), by_query.at(0), by_row.at(j));
        }
        for (std::size_t i = 0; i < count; ++i) {
            BestArrays best(1);
            for (std::size_t lane = i * width; lane < (i + 1) * width; ++lane)
                best.take(0, by_query.first[lane], by_query.second[lane], by_query.index[lane]);
            const double bound = error.bound(set1.lengths[first + i], set0.longest);
            found.backward[first + i] = certain(best, 0, bound, set0.metric).index;
        }
    });
    BestArrays& by_row = workers.front().by_row;
    for (std::size_t j = 0; j < count0; ++j) {
        for (std::size_t w = 1; w < workers.size(); ++w) {
            const BestArrays& other = workers[w].by_row;
            by_row.take(j, other.first[j], other.second[j], other.index[j]);
        }
        found.forward[j] = certain(by_row, j, error.bound(set0.lengths[j], set1.longest), set0.metric);
    }
    const auto forward = [&](std::size_t i) -> std::int64_t& { return found.forward[i].index; };
    const auto backward = [&](std::size_t i) -> std::int64_t& { return found.backward[i]; };
    settle(count0, forward, set0.rows, rows1, set0.metric, executor);
    settle(count1, backward, rows1, set0.rows, set0.metric, executor);
    return found;
}

}  // namespace hcbir
