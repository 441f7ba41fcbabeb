#include "every_row.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ranks.hpp"

namespace hcbir {
namespace {

constexpr std::size_t cached_values = 16 * 1024;  // of rows, met by one query after another
constexpr std::size_t fewest_rows = 16;

}  // namespace

bool wants_every_row(const SearchProblem& problem) {
    return problem.metric == Metric::dot && problem.queries.rows <= few_queries &&
           2 * problem.k > problem.rows.size();
}

void search_every_row(const SearchProblem& problem, MatrixView<float> scores,
                      MatrixView<std::int64_t> indices, Executor& executor) {
    struct Worker {
        AlignedBuffer<float> floats;
        std::vector<const float*> rows;
        std::vector<double> products;
    };
    const std::size_t num_queries = problem.queries.rows, n = problem.rows.size(), dim = problem.queries.cols;
    const std::size_t padded = ceil_div(dim, std::size_t{16}) * 16;
    std::vector<double> queries(num_queries * padded);
    for (std::size_t q = 0; q < num_queries; ++q)
        problem.kernels.widen_float(problem.queries.row(q), dim, queries.data() + q * padded);

    AlignedBuffer<float> found(num_queries * n);
    const std::size_t rows_a_task = std::max(cached_values / dim, fewest_rows);
    std::vector<Worker> workers(executor.size());
    executor.parallel_for(ceil_div(n, rows_a_task), [&](std::size_t task, std::size_t w) {
        auto& [floats, others, products] = workers[w];
        const std::size_t first = task * rows_a_task, count = std::min(rows_a_task, n - first);
        const auto rows = problem.rows.floats(first, count, floats);
        others.clear(), products.resize(count);
        for (std::size_t j = 0; j < count; ++j) others.push_back(rows.row(j));
        for (std::size_t q = 0; q < num_queries; ++q) {
            problem.kernels.dots_f64(queries.data() + q * padded, others.data(), count, nullptr, dim,
                                     products.data());
            for (std::size_t j = 0; j < count; ++j) {
                if (!std::isfinite(products[j])) throw NonFinite{};  // of finite floats it never overflows
                found[q * n + first + j] = static_cast<float>(products[j]);
            }
        }
    });
    executor.parallel_for(num_queries, [&](std::size_t q, std::size_t) {
        std::vector<float> of_query(found.data() + q * n, found.data() + (q + 1) * n);
        Ranks ranks(problem.kernels);
        ranks(of_query, problem.k, [&](std::size_t rank, std::size_t row) {
            scores.row(q)[rank] = found[q * n + row];
            indices.row(q)[rank] = problem.rows.index(row);
        });
    });
}

}  // namespace hcbir
