#include <algorithm>
#include <cmath>
#include <string>

#include "float_panels.hpp"
#include "hcbir/error.hpp"
#include "hcbir/search.hpp"
#include "radix_sort.hpp"
#include "search_problem.hpp"
#include "shapes.hpp"

// A whole ranking: every score by tiles in float, then a radix sort (docs/exact-search.md).

namespace hcbir {
namespace {

constexpr std::size_t block_bytes = 256 * 1024;  // of the database, to stay in a core's cache
constexpr std::size_t block_rows = 128;          // at least, and multiplied at once
constexpr std::size_t most_unpacked = 1;         // queries for which rows are not packed

class Ranking {
public:
    Ranking(const SearchProblem& problem, MatrixView<float> scores, MatrixView<std::int64_t> indices)
        : problem_(problem), scores_(scores), indices_(indices) {}

    void run(Executor& executor) {
        score_all(executor);
        std::vector<RadixSort> sorts(executor.size());
        executor.parallel_for(scores_.rows, [&](std::size_t q, std::size_t w) {
            std::size_t place = 0;
            for (const Entry& entry : sorts[w].sort({scores_.row(q), problem_.rows.size()})) {
                scores_.row(q)[place] = score_of(entry.key);
                indices_.row(q)[place++] = problem_.rows.index(entry.row);
            }
        });
    }

private:
    struct Worker {
        FloatPanels panels;
        AlignedBuffer<float> floats, sums;
        std::vector<double> norms;  // for cosine
    };

    void score_all(Executor& executor) {
        const auto& queries = problem_.queries;
        const std::size_t dim = queries.cols, n = problem_.rows.size(), width = problem_.kernels.tile_rows;
        FloatPanels panels;
        if (queries.rows > most_unpacked) {
            panels.reserve(queries.rows, problem_.kernels.tile_queries, dim);
            panels.fill(0, queries, 0, queries.rows);
        }
        const std::size_t fewest = queries.rows > most_unpacked ? block_rows : width;
        const std::size_t block = std::max(block_bytes / sizeof(float) / dim, fewest) / width * width;
        std::vector<Worker> workers(executor.size());
        executor.parallel_for(ceil_div(n, block), [&](std::size_t task, std::size_t w) {
            const std::size_t first = task * block;
            score_block(workers[w], first, std::min(block, n - first), panels);
        });
    }

    void score_block(Worker& worker, std::size_t first, std::size_t count, const FloatPanels& panels) {
        const auto& kernels = problem_.kernels;
        const std::size_t dim = problem_.queries.cols, strip = queries_at_once(dim);
        const auto rows = problem_.rows.floats(first, count, worker.floats);
        worker.norms.clear();
        if (problem_.metric == Metric::cosine)
            for (std::size_t j = 0; j < count; ++j) worker.norms.push_back(problem_.norm(rows.row(j)));
        const bool l2 = problem_.metric == Metric::l2;
        if (scores_.rows <= most_unpacked) {
            worker.sums.reserve(count);
            const auto sum = l2 ? kernels.fused_l2_rows : kernels.fused_dot_rows;
            for (std::size_t q = 0; q < scores_.rows; ++q) {
                sum(problem_.queries.row(q), rows.data, rows.stride, count, dim, worker.sums.data());
                put(worker, q, first, rows, {0, count}, worker.sums.data());
            }
            return;
        }
        worker.panels.reserve(count, kernels.tile_rows, dim);
        worker.panels.fill(0, rows, 0, count);
        worker.sums.reserve(strip * block_rows);
        const auto tile = l2 ? kernels.fused_l2_tile : kernels.fused_dot_tile;
        for (std::size_t q = 0; q < scores_.rows; q += strip)
            for (std::size_t j = 0; j < count; j += block_rows) {
                const std::size_t filled = std::min(block_rows, count - j),
                                  end = std::min(q + strip, scores_.rows);
                multiply(tile, panels, {q, end}, worker.panels, {j, j + filled}, worker.sums.data(),
                         block_rows);
                for (std::size_t i = q; i < end; ++i)
                    put(worker, i, first, rows, {j, j + filled}, worker.sums.data() + (i - q) * block_rows);
            }
    }

    /// The scores of query q and a range of a block's rows, from the float sums.
    void put(const Worker& worker, std::size_t q, std::size_t first, MatrixView<const float> rows,
             Range range, const float* sums) {
        float* to = scores_.row(q) + first;
        if (problem_.metric == Metric::dot && all_finite(sums, range.last - range.first))
            std::copy(sums, sums + (range.last - range.first), to + range.first);
        else
            for (std::size_t j = range.first; j < range.last; ++j)
                to[j] = score(worker, q, rows, j, sums[j - range.first]);
    }

    static bool all_finite(const float* sums, std::size_t count) {
        float zero = 0;
        for (std::size_t j = 0; j < count; ++j) zero += sums[j] * 0;
        return zero == 0;
    }

    /// Of query q and a block's row j, from the float sum; in double where that says nothing, which is so of
    /// all rows that are not finite.
    float score(const Worker& worker, std::size_t q, MatrixView<const float> rows, std::size_t j,
                float sum) const {
        if (problem_.metric == Metric::dot && std::isfinite(sum)) return sum;
        if (problem_.metric == Metric::l2 && sum < 1e38f && sum > 1e-30f) return 0.0f - sum;
        if (problem_.metric == Metric::cosine) {
            const double norms = problem_.query_norms[q] * worker.norms[j];
            if (norms > 1e-30 && norms < 1e38) return static_cast<float>(sum / norms);
        }
        for (const float x : rows.row_span(j))
            if (!std::isfinite(x)) throw NonFinite{};
        return problem_.score(q, rows.row(j));
    }

    const SearchProblem& problem_;
    MatrixView<float> scores_;
    MatrixView<std::int64_t> indices_;
};

}  // namespace

void rank(MatrixView<const float> queries, const Database& database, Metric metric,
          std::span<const std::uint8_t> allowed, MatrixView<float> scores, MatrixView<std::int64_t> indices,
          Executor& executor) {
    require_dimension(queries.cols, database.cols);
    require(allowed.empty() || allowed.size() == database.rows, "allowed",
            "a flag for each of the " + std::to_string(database.rows) + " rows",
            std::to_string(allowed.size()));
    require(database.rows >> 32 == 0, "database", "of fewer than 2^32 rows", std::to_string(database.rows));
    require_finite(queries, "queries");
    const Rows rows = allowed.empty() ? Rows(database) : Rows(database, allowed);
    const std::size_t n = count_allowed(allowed, database.rows);
    require_outputs(scores, indices, queries.rows, n);
    if (n == 0) return;
    const SearchProblem problem(queries, rows, {}, n, metric, executor);
    try {
        SerialExecutor serial;
        const std::size_t weight = queries.rows <= most_unpacked ? 4 : 1;  // such products take longer
        Ranking(problem, scores, indices).run(problem.workers(weight * queries.rows, executor, serial));
    } catch (const NonFinite&) {
        rows.require_finite();
    }
}

}  // namespace hcbir
