// What is constant over one search.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "hcbir/parallel.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"
#include "rows.hpp"

namespace hcbir {

/// Thrown by a task that met a row with a NaN or an infinity.
struct NonFinite {};

/// A float just below x, so that rounding never raises a threshold.
inline float round_down(double x) {
    constexpr double largest = std::numeric_limits<float>::max();
    const double lower = x - 0x1p-23 * std::abs(x) - 0x1p-149;  // by more than half a float's spacing
    return lower < -largest ? -std::numeric_limits<float>::infinity()
                            : static_cast<float>(std::min(lower, largest));
}

inline float round_up(double x) { return -round_down(-x); }

/// At most a - b, and nearly that; at least a + b.
inline float difference_below(float a, float b) {
    const float rounded = a - b;
    return rounded - (std::abs(rounded) * 0x1p-22f + 0x1p-149f);
}
inline float sum_above(float a, float b) { return -difference_below(-a, b); }

/// So few queries wait for rows from memory: turning rows into panels or codes does not pay, nor leaving some
/// early.
constexpr std::size_t few_queries = 24;

/// Rows are compared by keys, which rise with the score: q . x for dot, q . x / |x| for cosine, q . x - |x|^2
/// / 2 for l2.
struct SearchProblem {
    const kernels::Table& kernels = kernels::active();
    MatrixView<const float> queries;
    const Rows& rows;
    std::span<const std::uint8_t> allowed;  // a flag a row; empty: all may be found
    std::size_t k;
    Metric metric;
    DotError error;
    std::vector<double> query_norms;  // rounded to double
    double max_query_norm = 0;

    /// Throws std::invalid_argument for queries that are not finite.
    SearchProblem(MatrixView<const float> queries_, const Rows& rows_, std::span<const std::uint8_t> allowed_,
                  std::size_t k_, Metric metric_, Executor& executor)
        : queries(queries_),
          rows(rows_),
          allowed(allowed_),
          k(k_),
          metric(metric_),
          error(queries_.cols),
          query_norms(queries_.rows) {
        constexpr std::size_t values_a_task = 65536;
        const std::size_t a_task = std::max(values_a_task / queries.cols, std::size_t{1});
        executor.parallel_for(ceil_div(queries.rows, a_task), [&](std::size_t task, std::size_t) {
            for (std::size_t q = task * a_task; q < std::min((task + 1) * a_task, queries.rows); ++q)
                query_norms[q] = norm(queries.row(q));
        });
        bool finite = true;  // as are sums of squares of floats, in double
        for (const double norm : query_norms)
            max_query_norm = std::max(max_query_norm, norm), finite &= std::isfinite(norm);
        if (!finite) require_finite(queries, "queries");
    }

    /// Who makes products with that many queries: `alone` where that is done before another thread wakes.
    Executor& workers(std::size_t num_queries, Executor& all, SerialExecutor& alone) const {
        const std::size_t few = all.is_awake() ? 400'000 : 2'000'000;
        return num_queries * rows.size() * queries.cols < few ? static_cast<Executor&>(alone) : all;
    }

    bool may_be_found(std::size_t row) const { return allowed.empty() || allowed[row] != 0; }

    double norm(const float* vector) const {
        return std::sqrt(kernels.dot_f64(vector, vector, queries.cols));
    }

    /// The score that is reported, of query q and a row's values.
    float score(std::size_t q, const float* row) const {
        const float* query = queries.row(q);
        if (metric == Metric::l2)
            return static_cast<float>(0.0 - kernels.squared_l2_f64(query, row, queries.cols));
        const double dot = kernels.dot_f64(query, row, queries.cols);
        return metric == Metric::dot ? static_cast<float>(dot) : cosine(q, dot, norm(row));
    }
    float cosine(std::size_t q, double dot, double row_norm) const {
        const double norms = query_norms[q] * row_norm;
        return norms > 0 ? static_cast<float>(dot / norms) : 0.0f;
    }

    /// Bounds of the key of query q and a row's values, by float arithmetic (docs/exact-search.md).
    std::pair<float, float> key_bounds(std::size_t q, const float* row) const {
        float dot = 0, squared = 0;
        kernels.dot_rows(queries.row(q), row, queries.cols, 1, queries.cols, &dot, &squared, true);
        return key_bounds(q, dot, row_length(squared));
    }
    /// What is known of a row by the float sum of its squares.
    struct RowLength {
        double squared, root, above;  // above: no less than the length
    };
    RowLength row_length(float squared) const {
        return {squared, std::sqrt(double{squared}), error.length(squared)};
    }
    /// The same, given the float product.
    std::pair<float, float> key_bounds(std::size_t q, float dot, const RowLength& row) const {
        const double length = row.above, norm = query_norms[q] * (1 + 1e-14);
        const bool tiny = metric == Metric::cosine && !(row.squared > shortest_squared);
        if (!(length * norm < longest_product && length * length < longest_product) || tiny)
            return {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
        double key = dot, margin = error.relative * norm * length + 4 * error.underflow;
        if (metric == Metric::cosine) key /= row.root, margin *= 4 / row.root;
        if (metric == Metric::l2) key -= row.squared / 2, margin += l2_margin(norm, length);
        return {round_down(key - margin), round_up(key + margin)};
    }

    /// Bound of what float arithmetic, and rounding the score, may change of a key of l2. Scores of -infinity
    /// are all alike: no key tells them apart.
    double l2_margin(double norm, double length) const {
        if (!(norm < longest_l2 && length < longest_l2)) return std::numeric_limits<double>::infinity();
        return 2 * error.relative * (norm + length) * (norm + length);
    }

    /// Every row whose score against query q, rounded to float, reaches `bar` has an exact key of at least
    /// this.
    double lowest_key(std::size_t q, float bar) const {
        const double rounding = 0x1p-23 * std::abs(double{bar}) + 0x1p-149, norm = query_norms[q];
        const double exact = bar - rounding;
        if (metric == Metric::dot) return exact;
        if (metric == Metric::cosine) return exact * norm - 1e-15 * norm;
        return (exact + norm * norm * (1 - 1e-14)) / 2;
    }
};

}  // namespace hcbir
