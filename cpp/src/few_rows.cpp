#include "few_rows.hpp"

#include <numeric>
#include <span>
#include <vector>

#include "float_keys.hpp"
#include "kth_key.hpp"
#include "packed_queries.hpp"
#include "ranks.hpp"

namespace hcbir {
namespace {

constexpr std::size_t most_rows = 16384, most_values = 4'000'000;
constexpr std::size_t values_a_result = 20'000;  // up to so many, keeping a result takes as long
constexpr std::size_t cached_products = 2 * 1024 * 1024;

class FewRows {
public:
    FewRows(const SearchProblem& problem, Executor& executor)
        : problem_(problem),
          executor_(executor),
          queries_(problem.kernels, problem.rows.size() * problem.queries.cols <= near_values),
          rows_(problem.rows.floats(0, problem.rows.size(), floats_)),
          stride_((ceil_div(rows_.rows, line_floats) | 1) * line_floats),
          keys_(problem) {
        keys_.reserve(rows_.rows);
    }

    bool run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t num_queries = problem_.queries.rows, n = rows_.rows;
        const std::size_t at_once = cached_products / n / PackedQueries::panel_queries;
        const std::size_t group =
            std::min(num_queries, std::max(at_once, std::size_t{1}) * PackedQueries::panel_queries);
        AlignedBuffer<float> products(group * stride_);
        std::vector<Worker> workers;
        for (std::size_t w = 0; w < executor_.size(); ++w) workers.emplace_back(problem_, n);
        for (std::size_t base = 0; base < num_queries; base += group) {
            const std::size_t count = std::min(group, num_queries - base);
            multiply(base, count, products.data());
            if (base == 0 && !keys_.prepare(rows_)) return false;
            const std::size_t height =
                std::clamp(count / (tasks_a_worker * executor_.size()), std::size_t{1}, queries_a_task);
            executor_.parallel_for(ceil_div(count, height), [&](std::size_t task, std::size_t w) {
                const std::size_t first = task * height, num = std::min(height, count - first);
                select(workers[w], base + first, num, products.data() + first * stride_);
                score(workers[w], base + first, num);
                order(workers[w], base + first, num, scores, indices);
            });
        }
        return true;
    }

private:
    static constexpr std::size_t near_values = 4 * 1024 * 1024, line_floats = 16;
    static constexpr std::size_t tasks_a_worker = 4, queries_a_task = 96;
    static constexpr std::size_t cached_values = 32 * 1024;            // of a task's rows
    static constexpr std::size_t fewest_rows = 24, most_a_task = 240;  // whole strips at every level

    // Rows of so many values, wanted by so many queries of a task, are scored against all of these at once.
    static constexpr std::size_t long_row = 256, shared_by = 2;

    struct Pair {
        std::size_t query, place;  // where its score belongs
    };

    struct Worker {
        Worker(const SearchProblem& problem, std::size_t n)
            : found(n + 16), vector(problem.queries.cols + 15), ranks(problem.kernels) {}
        AlignedBuffer<std::uint32_t> found;
        KthKey kth;
        std::vector<std::uint32_t> selected;  // rows of a task's queries, one after another
        std::vector<std::size_t> begins;      // of each query's
        std::vector<float> scores, ordered;
        std::vector<std::size_t> by_row;  // where a row's pairs begin
        std::vector<Pair> pairs;
        std::vector<double> vector, products_f64;
        std::vector<const float*> others;
        Ranks ranks;
    };

    /// Of `count` queries from `base` on with all rows, and at first the rows' squares.
    void multiply(std::size_t base, std::size_t count, float* products) {
        const std::size_t n = rows_.rows,
                          height = std::clamp(cached_values / rows_.cols, fewest_rows, most_a_task) /
                                   fewest_rows * fewest_rows;
        queries_.pack({problem_.queries.row(base), count, rows_.cols, problem_.queries.stride}, executor_);
        executor_.parallel_for(ceil_div(n, height), [&](std::size_t task, std::size_t) {
            const std::size_t row = task * height, num_rows = std::min(height, n - row);
            queries_.multiply(0, count, {rows_.row(row), num_rows, rows_.cols, rows_.stride}, products + row,
                              stride_, base == 0 ? keys_.squared() + row : nullptr);
        });
    }

    /// The rows of each query that could be among its best, by its products.
    void select(Worker& worker, std::size_t first, std::size_t count, float* products) {
        const std::size_t n = rows_.rows;
        worker.selected.clear(), worker.begins.assign(1, 0);
        for (std::size_t q = first; q < first + count; ++q, products += stride_) {
            keys_.from_products(products, 0, n);
            const float least = difference_below(worker.kth(products, n, problem_.k), 2 * keys_.margin(q));
            const std::size_t found = problem_.kernels.select(products, n, least, worker.found.data());
            worker.selected.insert(worker.selected.end(), worker.found.data(), worker.found.data() + found);
            worker.begins.push_back(worker.selected.size());
        }
    }

    /// What was selected.
    void score(Worker& worker, std::size_t first, std::size_t count) {
        const auto& selected = worker.selected;
        const auto& begins = worker.begins;
        worker.scores.resize(selected.size());
        if (problem_.metric == Metric::dot && rows_.cols >= long_row &&
            selected.size() >= shared_by * rows_.rows)
            return score_by_rows(worker, first, count);
        for (std::size_t q = 0; q < count; ++q) {
            const std::size_t begin = begins[q], end = begins[q + 1];
            if (problem_.metric == Metric::dot) {
                worker.others.clear();
                for (std::size_t s = begin; s < end; ++s) worker.others.push_back(rows_.row(selected[s]));
                multiply_f64(worker, problem_.queries.row(first + q), end - begin);
                std::copy_n(worker.products_f64.data(), end - begin, worker.scores.data() + begin);
            } else {
                for (std::size_t s = begin; s < end; ++s)
                    worker.scores[s] = problem_.score(first + q, rows_.row(selected[s]));
            }
        }
    }

    /// The same, reading each row once for all its queries.
    void score_by_rows(Worker& worker, std::size_t first, std::size_t count) {
        worker.by_row.assign(rows_.rows + 1, 0);
        for (const std::uint32_t row : worker.selected) ++worker.by_row[row + 1];
        std::partial_sum(worker.by_row.begin(), worker.by_row.end(), worker.by_row.begin());
        worker.pairs.resize(worker.selected.size());
        for (std::size_t q = 0; q < count; ++q)
            for (std::size_t s = worker.begins[q]; s < worker.begins[q + 1]; ++s)
                worker.pairs[worker.by_row[worker.selected[s]]++] = {first + q, s};
        for (std::size_t begin = 0, row = 0; row < rows_.rows; begin = worker.by_row[row++]) {
            const std::span pairs(worker.pairs.data() + begin, worker.by_row[row] - begin);
            worker.others.clear();
            for (const auto& pair : pairs) worker.others.push_back(problem_.queries.row(pair.query));
            multiply_f64(worker, rows_.row(row), pairs.size());
            for (std::size_t i = 0; i < pairs.size(); ++i)
                worker.scores[pairs[i].place] = static_cast<float>(worker.products_f64[i]);
        }
    }

    /// Products in double of a vector with `count` others.
    void multiply_f64(Worker& worker, const float* vector, std::size_t count) {
        problem_.kernels.widen_float(vector, rows_.cols, worker.vector.data());
        worker.products_f64.resize(count);
        problem_.kernels.dots_f64(worker.vector.data(), worker.others.data(), count, nullptr, rows_.cols,
                                  worker.products_f64.data());
    }

    void order(Worker& worker, std::size_t first, std::size_t count, MatrixView<float> scores,
               MatrixView<std::int64_t> indices) {
        for (std::size_t q = 0; q < count; ++q) {
            const std::size_t begin = worker.begins[q], end = worker.begins[q + 1];
            worker.ordered.assign(worker.scores.begin() + begin, worker.scores.begin() + end);
            worker.ranks(worker.ordered, problem_.k, [&](std::size_t rank, std::size_t which) {
                scores.row(first + q)[rank] = worker.scores[begin + which];
                indices.row(first + q)[rank] = problem_.rows.index(worker.selected[begin + which]);
            });
        }
    }

    const SearchProblem& problem_;
    Executor& executor_;
    AlignedBuffer<float> floats_;
    PackedQueries queries_;
    MatrixView<const float> rows_;
    std::size_t
        stride_;  // of products: an odd number of cache lines, so that those of a row are in many sets
    FloatKeys keys_;
};

}  // namespace

bool is_small(std::size_t rows, std::size_t cols) { return rows <= most_rows && rows * cols <= most_values; }

bool wants_all_keys(const SearchProblem& problem) {
    const std::size_t n = problem.rows.size(), values = n * problem.queries.cols;
    return problem.allowed.empty() && problem.rows.lie_as_floats() &&
           n <= cached_products / PackedQueries::panel_queries && values <= values_a_result * problem.k &&
           values <= most_values * problem.queries.rows;  // which are read from memory for all of these
}

bool search_few_rows(const SearchProblem& problem, MatrixView<float> scores, MatrixView<std::int64_t> indices,
                     Executor& executor) {
    return FewRows(problem, executor).run(scores, indices);
}

}  // namespace hcbir
