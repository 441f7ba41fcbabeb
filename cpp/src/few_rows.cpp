#include "few_rows.hpp"

#include <numeric>
#include <span>
#include <vector>

#include "float_keys.hpp"
#include "float_panels.hpp"
#include "kth_key.hpp"
#include "ranks.hpp"

namespace hcbir {
namespace {

constexpr std::size_t most_rows = 16384, most_values = 4'000'000;

class FewRows {
public:
    FewRows(const SearchProblem& problem, Executor& executor)
        : problem_(problem),
          executor_(executor),
          rows_(problem.rows.floats(0, problem.rows.size(), floats_)),
          keys_(problem) {
        keys_.reserve(rows_.rows);
    }

    bool run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t num_queries = problem_.queries.rows, n = rows_.rows;
        const bool tiled = num_queries > few_queries;
        if (tiled) panels_.reserve(n, problem_.kernels.tile_rows, rows_.cols);
        const std::size_t stride = tiled ? panels_.padded() : n;
        const std::size_t padded = ceil_div(num_queries, queries_at_once) * queries_at_once;
        const std::size_t at_once = std::max(cached_products / stride / queries_at_once, std::size_t{1});
        const std::size_t group = tiled ? std::min(at_once * queries_at_once, padded) : num_queries;
        AlignedBuffer<float> products(group * stride);
        std::vector<Worker> workers;
        for (std::size_t w = 0; w < executor_.size(); ++w) workers.emplace_back(problem_, n);
        for (std::size_t base = 0; base < num_queries; base += group) {
            const std::size_t count = std::min(group, num_queries - base);
            if (tiled)
                multiply_tiles(base, count, products.data());
            else
                multiply_rows(products.data());
            if (base == 0 && !keys_.prepare(rows_)) return false;
            const std::size_t height =
                std::clamp(count / (tasks_a_worker * executor_.size()), std::size_t{1}, queries_a_task);
            executor_.parallel_for(ceil_div(count, height), [&](std::size_t task, std::size_t w) {
                const std::size_t first = task * height, num = std::min(height, count - first);
                select(workers[w], base + first, num, products.data() + first * stride, stride);
                score(workers[w], base + first, num);
                order(workers[w], base + first, num, scores, indices);
            });
        }
        return true;
    }

private:
    static constexpr std::size_t queries_at_once = 240;  // a multiple of every level's tile_queries
    static constexpr std::size_t cached_products = 2 * 1024 * 1024;
    static constexpr std::size_t rows_a_task = 64, tasks_a_worker = 4, queries_a_task = 48;
    static constexpr std::size_t cached_values = 32 * 1024;  // of rows, met by a task's queries in turn

    // Rows of so many values, wanted by so many queries of a task, are scored against all of these at once.
    static constexpr std::size_t long_row = 256, shared_by = 2;

    struct Pair {
        std::size_t query, place;  // where its score belongs
    };

    struct Worker {
        Worker(const SearchProblem& problem, std::size_t n)
            : keys(n), found(n + 16), vector(problem.queries.cols + 15), ranks(problem.kernels) {}
        AlignedBuffer<float> keys;
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

    /// Of all queries with all rows, and the rows' squares.
    void multiply_rows(float* products) {
        constexpr std::size_t at_once = 4;  // queries, as dot_rows likes it
        const auto& queries = problem_.queries;
        const std::size_t n = rows_.rows, height = std::max(cached_values / rows_.cols, std::size_t{16});
        executor_.parallel_for(ceil_div(n, height), [&](std::size_t task, std::size_t) {
            const std::size_t row = task * height, count = std::min(height, n - row);
            float* squared = keys_.squared() + row;
            for (std::size_t q = 0; q < queries.rows || squared; q += at_once, squared = nullptr)
                problem_.kernels.dot_rows(queries.row(q), queries.stride, std::min(at_once, queries.rows - q),
                                          rows_.row(row), rows_.stride, count, rows_.cols,
                                          products + q * n + row, n, squared);
        });
    }

    /// Of `count` queries from `base` on with all rows, some of which each task packs when it first meets
    /// them.
    void multiply_tiles(std::size_t base, std::size_t count, float* products) {
        const auto& kernels = problem_.kernels;
        const std::size_t n = rows_.rows;
        queries_.reserve(count, kernels.tile_queries, rows_.cols);
        executor_.parallel_for(ceil_div(count, queries_at_once), [&](std::size_t task, std::size_t) {
            const std::size_t first = task * queries_at_once, num = std::min(queries_at_once, count - first);
            queries_.fill(first, problem_.queries, base + first, num);
        });
        executor_.parallel_for(ceil_div(n, rows_a_task), [&](std::size_t task, std::size_t) {
            const std::size_t row = task * rows_a_task, end = std::min(row + rows_a_task, n);
            if (base == 0) {
                kernels.squared_norms(rows_.row(row), rows_.stride, end - row, rows_.cols,
                                      keys_.squared() + row);
                panels_.fill(row, rows_, row, end - row);
            }
            for (std::size_t q = 0; q < count; q += queries_at_once)
                multiply(kernels.dot_tile, queries_, {q, std::min(q + queries_at_once, count)}, panels_,
                         {row, end}, products + q * panels_.padded() + row, panels_.padded());
        });
    }

    /// The rows of each query that could be among its best, by its products.
    void select(Worker& worker, std::size_t first, std::size_t count, const float* products,
                std::size_t stride) {
        const std::size_t n = rows_.rows;
        worker.selected.clear(), worker.begins.assign(1, 0);
        for (std::size_t q = first; q < first + count; ++q, products += stride) {
            const float* keys = products;
            if (problem_.metric != Metric::dot) {
                for (std::size_t j = 0; j < n; ++j)
                    worker.keys[j] = products[j] * keys_.scale()[j] + keys_.offset()[j];
                keys = worker.keys.data();
            }
            const float least = difference_below(worker.kth(keys, n, problem_.k), 2 * keys_.margin(q));
            const std::size_t found = problem_.kernels.select(products, keys_.scale(), keys_.offset(), n,
                                                              least, worker.found.data());
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
    FloatPanels panels_, queries_;
    MatrixView<const float> rows_;
    FloatKeys keys_;
};

}  // namespace

bool is_small(std::size_t rows, std::size_t cols) { return rows <= most_rows && rows * cols <= most_values; }

bool search_few_rows(const SearchProblem& problem, MatrixView<float> scores, MatrixView<std::int64_t> indices,
                     Executor& executor) {
    return FewRows(problem, executor).run(scores, indices);
}

}  // namespace hcbir
