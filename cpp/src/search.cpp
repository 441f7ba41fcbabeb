#include "hcbir/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "aligned.hpp"
#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"
#include "shortlist.hpp"
#include "topk.hpp"

// A scan in float bounds every row's score; the few rows that could be among the k best are then scored in
// double. docs/exact-search.md proves the bounds, so that no row of the answer is ever missed.

namespace hcbir {
namespace {

constexpr double smallest_float = 0x1p-149;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t block_bytes = 256 * 1024;        // of the database, to stay in a core's cache
constexpr std::size_t list_bytes = 256 * 1024 * 1024;  // of all workers' shortlists
constexpr std::size_t max_group = 4096;                // queries scanned together
constexpr std::size_t tasks_per_worker = 4;

/// Thrown by a task that met a row with a NaN or an infinity.
struct NonFinite {};

/// A float just below x, so that rounding never raises a threshold.
float round_down(double x) {
    constexpr double largest = std::numeric_limits<float>::max();
    const double lower = x - 0x1p-23 * std::abs(x) - smallest_float;  // by more than half a float's spacing
    return lower < -largest ? -infinity : static_cast<float>(std::min(lower, largest));
}

/// What is constant over one call.
struct Problem {
    const kernels::Table& kernels;
    MatrixView<const float> queries, database;
    std::size_t k;
    Metric metric;
    DotError error;
    std::vector<double> query_norms;  // rounded to double
    double max_query_norm = 0;

    Problem(MatrixView<const float> queries_, MatrixView<const float> database_, std::size_t k_,
            Metric metric_)
        : kernels(kernels::active()),
          queries(queries_),
          database(database_),
          k(k_),
          metric(metric_),
          error(queries_.cols) {
        for (std::size_t q = 0; q < queries.rows; ++q) {
            query_norms.push_back(norm(queries.row(q)));
            max_query_norm = std::max(max_query_norm, query_norms.back());
        }
    }

    double norm(const float* vector) const {
        return std::sqrt(kernels.dot_f64(vector, vector, queries.cols));
    }

    /// The score that is reported.
    float score(std::size_t q, std::size_t row) const {
        const float *query = queries.row(q), *vector = database.row(row);
        if (metric == Metric::l2)
            return static_cast<float>(0.0 - kernels.squared_l2_f64(query, vector, queries.cols));
        const double dot = kernels.dot_f64(query, vector, queries.cols);
        if (metric == Metric::dot) return static_cast<float>(dot);
        const double norms = query_norms[q] * norm(vector);
        return norms > 0 ? static_cast<float>(dot / norms) : 0.0f;
    }

    void score_all(std::size_t q, const Shortlist& shortlist, TopK& scored) const {
        for (const auto& entry : shortlist.entries())
            scored.push({score(q, static_cast<std::size_t>(entry.row)), entry.row});
    }

    /// Every row whose score against query q, rounded to float, reaches `bar` has an exact key of at least
    /// this.
    double lowest_key(std::size_t q, float bar) const {
        const double rounding = 0x1p-23 * std::abs(double{bar}) + smallest_float, norm = query_norms[q];
        const double exact = bar - rounding;
        if (metric == Metric::dot) return exact;
        if (metric == Metric::cosine) return exact * norm - 1e-15 * norm;
        return exact + norm * norm * (1 - 1e-14);
    }
};

/// Rows of the database made ready for the scan. A row's key, scale * (float dot product) + offset, is within
/// the margin of its exact key: q . x for dot, q . x / |x| for cosine, 2 q . x - |x|^2 for l2.
class RowBlock {
public:
    void load(const Problem& problem, std::size_t first, std::size_t count, bool as_panels) {
        const auto& kernels = problem.kernels;
        const std::size_t width = kernels.tile_rows, padded = ceil_div(count, width) * width;
        first_ = first, count_ = count;
        if (capacity_ < padded) {
            capacity_ = padded;
            scale_ = AlignedBuffer<float>(padded);
            offset_ = AlignedBuffer<float>(padded);
            if (as_panels) panels_ = AlignedBuffer<float>(padded * problem.database.cols);
        }
        prepare_keys(problem);
        if (as_panels) pack_panels(problem.database, first, count, width, panels_.data());
    }

    /// Bound of |key - exact key| for query q.
    double margin(const Problem& problem, std::size_t q) const {
        const double norm = problem.query_norms[q] * (1 + 1e-14), gamma = problem.error.relative;
        const double underflow = 4 * problem.error.underflow;
        switch (problem.metric) {
            case Metric::dot:
                return gamma * norm * max_norm_ + underflow;
            case Metric::cosine:
                return 4 * gamma * norm + underflow * max_scale_;
            case Metric::l2:
                return 4 * gamma * max_norm_ * (norm + max_norm_) + underflow;
        }
        return std::numeric_limits<double>::infinity();
    }

    std::size_t first() const { return first_; }
    std::size_t count() const { return count_; }
    const float* panels() const { return panels_.data(); }
    const float* scale() const { return scale_.data(); }
    const float* offset() const { return offset_.data(); }

private:
    void prepare_keys(const Problem& problem) {
        const std::size_t dim = problem.database.cols;
        float* squared = offset_.data();  // becomes the offset in place
        problem.kernels.squared_norms(problem.database.row(first_), problem.database.stride, count_, dim,
                                      squared);
        max_norm_ = max_scale_ = 0;
        for (std::size_t j = 0; j < count_; ++j) {
            const double norm = problem.error.length(squared[j]);
            bool safe = norm * problem.max_query_norm < 1e38;  // so no partial sum overflows
            if (problem.metric == Metric::cosine) safe = safe && squared[j] > 1e-30f;
            if (!std::isfinite(squared[j])) {
                safe = false;
                const float* row = problem.database.row(first_ + j);
                if (!std::all_of(row, row + dim, [](float x) { return std::isfinite(x); })) throw NonFinite{};
            }
            if (!safe) {  // never below any threshold
                scale_[j] = 0;
                offset_[j] = infinity;
                continue;
            }
            max_norm_ = std::max(max_norm_, norm);
            switch (problem.metric) {
                case Metric::dot:
                    scale_[j] = 1, offset_[j] = 0;
                    break;
                case Metric::cosine:
                    scale_[j] = 1 / std::sqrt(squared[j]), offset_[j] = 0;
                    break;
                case Metric::l2:
                    scale_[j] = 2, offset_[j] = -squared[j];
                    break;
            }
            max_scale_ = std::max(max_scale_, static_cast<double>(scale_[j]));
        }
    }

    std::size_t first_ = 0, count_ = 0, capacity_ = 0;
    AlignedBuffer<float> panels_, scale_, offset_;
    double max_norm_ = 0, max_scale_ = 0;  // of the rows that are not always selected
};

/// One thread's share of a group of queries: what may be among their best in the blocks that it scanned.
class Worker {
public:
    /// Of one query. Where bounds cannot keep the shortlist short (many equal rows), its rows are scored and
    /// the best move on.
    struct Best {
        Shortlist shortlist;
        TopK scored;
    };

    Worker(const Problem& problem, std::size_t group, std::size_t block_rows)
        : problem_(problem),
          best_(group, Best{Shortlist(problem.k), TopK(problem.k)}),
          margins_(group),
          thresholds_(group),
          scores_(std::max(problem.kernels.tile_queries * problem.kernels.tile_rows, block_rows)),
          selected_(problem.kernels.tile_rows) {}

    RowBlock block;

    /// Scans the block for queries first .. last - 1 of a group that begins at query `base`, row by row.
    void scan_rows(std::size_t base, std::size_t first, std::size_t last) {
        const auto& database = problem_.database;
        const std::size_t width = problem_.kernels.tile_rows;
        for (std::size_t q = first; q < last; ++q) {
            enter_block(base, q);
            problem_.kernels.dot_rows(problem_.queries.row(base + q), database.row(block.first()),
                                      database.stride, block.count(), database.cols, scores_.data());
            for (std::size_t j = 0; j < block.count(); j += width) collect(base, q, scores_.data() + j, j);
        }
    }

    /// The same by tiles; `first` is a multiple of tile_queries and `panels` holds the group's queries.
    void scan_tiles(std::size_t base, std::size_t first, std::size_t last, const float* panels) {
        const auto& kernels = problem_.kernels;
        const std::size_t dim = problem_.queries.cols, height = kernels.tile_queries,
                          width = kernels.tile_rows;
        for (std::size_t begin = first; begin < last; begin += height) {
            const std::size_t end = std::min(begin + height, last);
            for (std::size_t q = begin; q < end; ++q) enter_block(base, q);
            for (std::size_t j = 0; j < block.count(); j += width) {
                kernels.dot_tile(panels + begin * dim, block.panels() + j * dim, dim, scores_.data());
                for (std::size_t q = begin; q < end; ++q)
                    collect(base, q, scores_.data() + (q - begin) * width, j);
            }
        }
    }

    const Best& best(std::size_t q) const { return best_[q]; }
    void forget(std::size_t q) { best_[q] = Best{Shortlist(problem_.k), TopK(problem_.k)}; }

private:
    void enter_block(std::size_t base, std::size_t q) {
        margins_[q] = block.margin(problem_, base + q);
        update_threshold(base, q);
    }

    /// A row whose key in this block is below the threshold cannot be among the best.
    void update_threshold(std::size_t base, std::size_t q) {
        const auto& [shortlist, scored] = best_[q];
        double bar = shortlist.bar();
        if (scored.full()) bar = std::max(bar, problem_.lowest_key(base + q, scored.bar()));
        thresholds_[q] = round_down(bar - margins_[q]);
    }

    /// Takes up those of a tile's rows, from row j of the block, that may be among the best.
    void collect(std::size_t base, std::size_t q, const float* scores, std::size_t j) {
        const std::size_t count = std::min(problem_.kernels.tile_rows, block.count() - j);
        const float *scale = block.scale() + j, *offset = block.offset() + j;
        const std::size_t found =
            problem_.kernels.select(scores, scale, offset, count, thresholds_[q], selected_.data());
        auto& [shortlist, scored] = best_[q];
        for (std::size_t s = 0; s < found; ++s) {
            const std::size_t i = selected_[s];
            const float key = scores[i] * scale[i] + offset[i];
            const bool known = std::isfinite(key);
            shortlist.add({known ? round_down(key - margins_[q]) : -infinity,
                           known ? -round_down(-key - margins_[q]) : infinity,
                           static_cast<std::int64_t>(block.first() + j + i)});
        }
        if (!shortlist.full()) return;
        shortlist.prune();
        if (2 * shortlist.entries().size() > problem_.k + Shortlist::capacity(problem_.k)) {
            problem_.score_all(base + q, shortlist, scored);
            shortlist.clear_entries();
        }
        update_threshold(base, q);
    }

    const Problem& problem_;
    std::vector<Best> best_;
    std::vector<double> margins_;
    std::vector<float> thresholds_;
    AlignedBuffer<float> scores_;
    AlignedBuffer<std::uint32_t> selected_;
};

/// Writes the best of what all workers kept for query q of the group that begins at `base`.
void merge(const Problem& problem, std::vector<Worker>& workers, std::size_t base, std::size_t q,
           std::span<float> scores, std::span<std::int64_t> indices) {
    Shortlist shortlist(problem.k);
    TopK scored(problem.k);
    for (auto& worker : workers) {
        shortlist.add_all(worker.best(q).shortlist.entries());
        for (const Candidate& candidate : worker.best(q).scored.candidates()) scored.push(candidate);
        worker.forget(q);
    }
    shortlist.prune();
    problem.score_all(base + q, shortlist, scored);
    const auto best = scored.sorted();
    for (std::size_t i = 0; i < problem.k; ++i) scores[i] = best[i].score, indices[i] = best[i].index;
}

void search_finite(const Problem& problem, MatrixView<float> scores, MatrixView<std::int64_t> indices,
                   Executor& executor) {
    const MatrixView<const float>&queries = problem.queries, &database = problem.database;
    const std::size_t k = problem.k, dim = queries.cols, height = problem.kernels.tile_queries;
    const std::size_t width = problem.kernels.tile_rows;
    const bool by_tiles = queries.rows >= height;
    const std::size_t block_rows =
        std::clamp(block_bytes / (sizeof(float) * dim * width), std::size_t{1}, std::size_t{64}) * width;
    const std::size_t num_blocks = ceil_div(database.rows, block_rows);
    const std::size_t kept_bytes = executor.size() * Shortlist::capacity(k) * sizeof(Shortlist::Entry);
    const std::size_t group = std::min({ceil_div(queries.rows, height) * height, max_group / height * height,
                                        std::max(list_bytes / kept_bytes / height, std::size_t{1}) * height});

    std::vector<Worker> workers;
    for (std::size_t w = 0; w < executor.size(); ++w) workers.emplace_back(problem, group, block_rows);
    AlignedBuffer<float> panels(by_tiles ? group * dim : 0);

    for (std::size_t base = 0; base < queries.rows; base += group) {
        const std::size_t count = std::min(group, queries.rows - base);
        if (by_tiles) pack_panels(queries, base, count, height, panels.data());
        const std::size_t num_parts =
            std::min(ceil_div(count, height), ceil_div(tasks_per_worker * executor.size(), num_blocks));
        const std::size_t part = ceil_div(ceil_div(count, height), num_parts) * height;
        executor.parallel_for(num_blocks * num_parts, [&](std::size_t task, std::size_t w) {
            const std::size_t row = task / num_parts * block_rows, first = task % num_parts * part;
            if (first >= count) return;
            Worker& worker = workers[w];
            worker.block.load(problem, row, std::min(block_rows, database.rows - row), by_tiles);
            const std::size_t last = std::min(first + part, count);
            if (by_tiles)
                worker.scan_tiles(base, first, last, panels.data());
            else
                worker.scan_rows(base, first, last);
        });
        executor.parallel_for(count, [&](std::size_t q, std::size_t) {
            merge(problem, workers, base, q, scores.row_span(base + q), indices.row_span(base + q));
        });
    }
}

}  // namespace

void search(MatrixView<const float> queries, MatrixView<const float> database, std::size_t k, Metric metric,
            MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor) {
    require(queries.cols == database.cols && queries.cols > 0, "queries",
            "of the database's dimension (" + std::to_string(database.cols) + "), at least 1",
            std::to_string(queries.cols));
    require(k >= 1 && k <= database.rows, "k",
            "from 1 to the number of database rows (" + std::to_string(database.rows) + ")",
            std::to_string(k));
    require(
        scores.rows == queries.rows && scores.cols == k && indices.rows == queries.rows && indices.cols == k,
        "scores and indices", "queries x k", "another shape");
    require_finite(queries, "queries");
    try {
        search_finite(Problem(queries, database, k, metric), scores, indices, executor);
    } catch (const NonFinite&) {
        require_finite(database, "database");  // names the first such row, whichever task came first
    }
}

}  // namespace hcbir
