#include "hcbir/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "aligned.hpp"
#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "topk.hpp"

// A scan in float finds the rows that could be among the k best, a score in double decides. The scan's error is
// bounded (docs/exact-search.md), so no row that belongs to the answer is ever missed.

namespace hcbir {
namespace {

constexpr double unit_roundoff = 0x1p-24;
constexpr double smallest_float = 0x1p-149;
constexpr std::size_t block_bytes = 256 * 1024;          // of the database, to stay in a core's cache
constexpr std::size_t heap_bytes = 256 * 1024 * 1024;    // of all workers
constexpr std::size_t max_group = 4096;                  // queries scanned together
constexpr std::size_t tasks_per_worker = 4;

/// Thrown by a task that met a row with a NaN or an infinity.
struct NonFinite {};

/// The largest float below x, so that rounding never raises a threshold.
float round_down(double x) {
    constexpr double largest = std::numeric_limits<float>::max();
    return std::nextafter(static_cast<float>(std::clamp(x, -largest, largest)),
                          -std::numeric_limits<float>::infinity());
}

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

void require_finite(MatrixView<const float> matrix, const char* name) {
    for (std::size_t r = 0; r < matrix.rows; ++r)
        for (std::size_t c = 0; c < matrix.cols; ++c)
            if (!std::isfinite(matrix.row(r)[c]))
                throw std::invalid_argument(std::string(name) + " must be finite, got " +
                                            std::to_string(matrix.row(r)[c]) + " in row " + std::to_string(r));
}

/// Rows first .. first + count - 1 as panels of `width`: panel p holds, for each column, its rows' values side by
/// side; missing rows are zero.
void pack(MatrixView<const float> rows, std::size_t first, std::size_t count, std::size_t width, float* panels) {
    for (std::size_t begin = 0; begin < count; begin += width, panels += width * rows.cols) {
        const std::size_t filled = std::min(width, count - begin);
        for (std::size_t r = 0; r < width; ++r) {
            if (r < filled) {
                const float* row = rows.row(first + begin + r);
                for (std::size_t c = 0; c < rows.cols; ++c) panels[c * width + r] = row[c];
            } else {
                for (std::size_t c = 0; c < rows.cols; ++c) panels[c * width + r] = 0.0f;
            }
        }
    }
}

/// What is constant over one call.
struct Problem {
    const kernels::Table& kernels;
    MatrixView<const float> queries, database;
    std::size_t k;
    Metric metric;
    double gamma;                     // relative error of a float dot product of this length
    std::vector<double> query_norms;  // rounded to double
    double max_query_norm = 0;

    Problem(MatrixView<const float> queries_, MatrixView<const float> database_, std::size_t k_, Metric metric_)
        : kernels(kernels::active()), queries(queries_), database(database_), k(k_), metric(metric_) {
        const double n = (static_cast<double>(queries.cols) + 4) * unit_roundoff;
        gamma = n < 0.25 ? n / (1 - n) : std::numeric_limits<double>::infinity();
        for (std::size_t q = 0; q < queries.rows; ++q) {
            query_norms.push_back(norm(queries.row(q)));
            max_query_norm = std::max(max_query_norm, query_norms.back());
        }
    }

    double norm(const float* vector) const { return std::sqrt(kernels.dot_f64(vector, vector, queries.cols)); }

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
};

/// Rows of the database made ready for the scan. A row's key is scale * (float dot product) + offset; it bounds
/// the row's score from above once the block's margin is added.
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
        if (as_panels) pack(problem.database, first, count, width, panels_.data());
    }

    /// A row whose key is below this scores below `bar` against query q.
    float threshold(const Problem& problem, std::size_t q, float bar) const {
        if (bar == -std::numeric_limits<float>::infinity()) return bar;
        const double norm = problem.query_norms[q] * (1 + 1e-14), gamma = problem.gamma;
        const double underflow = 4 * smallest_float * static_cast<double>(problem.queries.cols);
        double exact = bar, margin = 0;
        switch (problem.metric) {
            case Metric::dot:
                margin = gamma * norm * max_norm_ + underflow;
                break;
            case Metric::cosine:
                exact = bar * problem.query_norms[q];
                margin = 4 * gamma * norm + underflow * max_scale_;
                break;
            case Metric::l2:
                exact = bar + problem.query_norms[q] * problem.query_norms[q];
                margin = 4 * gamma * (norm * norm + norm * max_norm_ + max_norm_ * max_norm_) + underflow;
                break;
        }
        const double rounding_of_bar = 0x1p-22 * (std::abs(bar) + smallest_float) *
                                       (problem.metric == Metric::cosine ? norm : 1.0);
        return round_down(exact - margin - rounding_of_bar);
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
        problem.kernels.squared_norms(problem.database.row(first_), problem.database.stride, count_, dim, squared);
        max_norm_ = max_scale_ = 0;
        for (std::size_t j = 0; j < count_; ++j) {
            const double norm = std::sqrt((squared[j] + smallest_float * static_cast<double>(dim)) *
                                          (1 + 2 * problem.gamma));
            bool safe = norm * problem.max_query_norm < 1e38;  // so no partial sum overflows
            if (problem.metric == Metric::cosine) safe = safe && squared[j] > 1e-30f;
            if (!std::isfinite(squared[j])) {
                safe = false;
                const float* row = problem.database.row(first_ + j);
                if (!std::all_of(row, row + dim, [](float x) { return std::isfinite(x); })) throw NonFinite{};
            }
            if (!safe) {  // never below any threshold
                scale_[j] = 0;
                offset_[j] = std::numeric_limits<float>::infinity();
                continue;
            }
            max_norm_ = std::max(max_norm_, norm);
            switch (problem.metric) {
                case Metric::dot: scale_[j] = 1, offset_[j] = 0; break;
                case Metric::cosine: scale_[j] = 1 / std::sqrt(squared[j]), offset_[j] = 0; break;
                case Metric::l2: scale_[j] = 2, offset_[j] = -squared[j]; break;
            }
            max_scale_ = std::max(max_scale_, static_cast<double>(scale_[j]));
        }
    }

    std::size_t first_ = 0, count_ = 0, capacity_ = 0;
    AlignedBuffer<float> panels_, scale_, offset_;
    double max_norm_ = 0, max_scale_ = 0;  // of the rows that are not always selected
};

/// One thread's share of a group of queries: their best rows of the blocks that it scanned.
class Worker {
public:
    Worker(const Problem& problem, std::size_t group, std::size_t block_rows)
        : problem_(problem),
          heaps_(group, TopK(problem.k)),
          thresholds_(group),
          scores_(std::max(problem.kernels.tile_queries * problem.kernels.tile_rows, block_rows)),
          selected_(std::max(problem.kernels.tile_rows, block_rows)) {}

    RowBlock block;

    /// Scans the block for queries first .. last - 1 of a group that begins at query `base`, row by row.
    void scan_rows(std::size_t base, std::size_t first, std::size_t last) {
        const auto& database = problem_.database;
        for (std::size_t q = first; q < last; ++q) {
            update_threshold(base, q);
            problem_.kernels.dot_rows(problem_.queries.row(base + q), database.row(block.first()),
                                      database.stride, block.count(), database.cols, scores_.data());
            collect(base, q, scores_.data(), 0, block.count());
        }
    }

    /// The same by tiles; `first` is a multiple of tile_queries and `panels` holds the group's queries.
    void scan_tiles(std::size_t base, std::size_t first, std::size_t last, const float* panels) {
        const auto& kernels = problem_.kernels;
        const std::size_t dim = problem_.queries.cols, height = kernels.tile_queries, width = kernels.tile_rows;
        for (std::size_t begin = first; begin < last; begin += height) {
            const std::size_t end = std::min(begin + height, last);
            for (std::size_t q = begin; q < end; ++q) update_threshold(base, q);
            for (std::size_t j = 0; j < block.count(); j += width) {
                kernels.dot_tile(panels + begin * dim, block.panels() + j * dim, dim, scores_.data());
                for (std::size_t q = begin; q < end; ++q)
                    collect(base, q, scores_.data() + (q - begin) * width, j, std::min(width, block.count() - j));
            }
        }
    }

    TopK& heap(std::size_t q) { return heaps_[q]; }

private:
    void update_threshold(std::size_t base, std::size_t q) {
        thresholds_[q] = block.threshold(problem_, base + q, heaps_[q].bar());
    }

    /// Takes up those of `count` rows, from row j of the block, that may belong to the best.
    void collect(std::size_t base, std::size_t q, const float* scores, std::size_t j, std::size_t count) {
        const std::size_t found = problem_.kernels.select(scores, block.scale() + j, block.offset() + j, count,
                                                          thresholds_[q], selected_.data());
        for (std::size_t s = 0; s < found; ++s) {
            const std::size_t i = selected_[s], row = block.first() + j + i;
            const float key = scores[i] * block.scale()[j + i] + block.offset()[j + i];
            if (key < thresholds_[q]) continue;  // raised by an earlier row of this tile
            heaps_[q].push({problem_.score(base + q, row), static_cast<std::int64_t>(row)});
            update_threshold(base, q);
        }
    }

    const Problem& problem_;
    std::vector<TopK> heaps_;
    std::vector<float> thresholds_;
    AlignedBuffer<float> scores_;
    AlignedBuffer<std::uint32_t> selected_;
};

/// Writes the best of what all workers kept for query q of the group.
void merge(std::vector<Worker>& workers, std::size_t q, std::size_t k, std::span<float> scores,
           std::span<std::int64_t> indices) {
    std::vector<Candidate> best;
    for (auto& worker : workers) {
        const auto& kept = worker.heap(q).candidates();
        best.insert(best.end(), kept.begin(), kept.end());
        worker.heap(q).clear();
    }
    const auto end = best.begin() + static_cast<std::ptrdiff_t>(k);
    if (best.size() > k) std::nth_element(best.begin(), end, best.end());
    std::sort(best.begin(), end);
    for (std::size_t i = 0; i < k; ++i) scores[i] = best[i].score, indices[i] = best[i].index;
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
    const std::size_t heap_size = executor.size() * k * sizeof(Candidate);
    const std::size_t group = std::min(
        {ceil_div(queries.rows, height) * height, max_group / height * height,
         std::max(heap_bytes / heap_size / height, std::size_t{1}) * height});

    std::vector<Worker> workers;
    for (std::size_t w = 0; w < executor.size(); ++w) workers.emplace_back(problem, group, block_rows);
    AlignedBuffer<float> panels(by_tiles ? group * dim : 0);

    for (std::size_t base = 0; base < queries.rows; base += group) {
        const std::size_t count = std::min(group, queries.rows - base);
        if (by_tiles) pack(queries, base, count, height, panels.data());
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
            merge(workers, q, k, scores.row_span(base + q), indices.row_span(base + q));
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
            "from 1 to the number of database rows (" + std::to_string(database.rows) + ")", std::to_string(k));
    require(scores.rows == queries.rows && scores.cols == k && indices.rows == queries.rows && indices.cols == k,
            "scores and indices", "queries x k", "another shape");
    require_finite(queries, "queries");
    try {
        search_finite(Problem(queries, database, k, metric), scores, indices, executor);
    } catch (const NonFinite&) {
        require_finite(database, "database");  // names the first such row, whichever task came first
    }
}

}  // namespace hcbir
