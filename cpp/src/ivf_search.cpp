#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "adc_scan.hpp"
#include "hcbir/error.hpp"
#include "hcbir/ivf.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t table_bytes = 64 * 1024 * 1024;  // of a group of queries
constexpr std::size_t list_bytes = 256 * 1024 * 1024;  // of all workers' best
constexpr std::size_t tile = AdcTables::max_tile;      // queries that scan a list together

/// Queries of a group that probe one list, at most a tile of them.
struct Task {
    std::size_t list;
    std::span<const std::uint32_t> queries;
};

class IvfSearch {
public:
    IvfSearch(const IvfView& index, MatrixView<const float> queries, MatrixView<const std::int64_t> probes,
              std::size_t k, Executor& executor)
        : index_(index),
          queries_(queries),
          probes_(probes),
          k_(k),
          executor_(executor),
          tables_(index.quantizer, index.metric) {
        for (std::size_t w = 0; w < executor.size(); ++w) workers_.emplace_back(index);
    }

    void run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t group = group_size();
        for (std::size_t base = 0; base < queries_.rows; base += group)
            search_group(base, std::min(group, queries_.rows - base), scores, indices);
    }

private:
    struct Worker {
        std::vector<TopK> best;    // of every query of the group
        AdcTables tables;          // for l2, where they differ from list to list
        std::vector<float> moved;  // the queries, less the list's centroid
        explicit Worker(const IvfView& index) : tables(index.quantizer, index.metric) {}
    };

    std::size_t group_size() const {
        const std::size_t by_tables =
            table_bytes / (index_.quantizer.code_size() * byte_values * sizeof(float));
        const std::size_t by_lists = list_bytes / (executor_.size() * k_ * sizeof(Candidate));
        return std::max(std::min(by_tables, by_lists), std::size_t{1});
    }

    void search_group(std::size_t base, std::size_t count, MatrixView<float> scores,
                      MatrixView<std::int64_t> indices) {
        const MatrixView<const float> group{queries_.row(base), count, queries_.cols, queries_.stride};
        if (index_.metric == Metric::dot) tables_.load(group, false, executor_);
        for (auto& worker : workers_) worker.best.assign(count, TopK(k_));
        std::vector<std::uint32_t> by_list;
        const std::vector<Task> tasks = tasks_of(base, count, by_list);
        executor_.parallel_for(tasks.size(),
                               [&](std::size_t t, std::size_t w) { scan(tasks[t], group, workers_[w]); });
        executor_.parallel_for(count, [&](std::size_t q, std::size_t) {
            write(q, scores.row(base + q), indices.row(base + q));
        });
    }

    /// The group's probes by list; `by_list` holds the queries that the tasks name.
    std::vector<Task> tasks_of(std::size_t base, std::size_t count,
                               std::vector<std::uint32_t>& by_list) const {
        std::vector<std::size_t> first(index_.centroids.rows + 1);
        for (std::size_t q = 0; q < count; ++q)
            for (const std::int64_t list : probes_.row_span(base + q))
                ++first[static_cast<std::size_t>(list) + 1];
        std::partial_sum(first.begin(), first.end(), first.begin());
        by_list.resize(first.back());
        auto next = first;
        for (std::size_t q = 0; q < count; ++q)
            for (const std::int64_t list : probes_.row_span(base + q))
                by_list[next[static_cast<std::size_t>(list)]++] = static_cast<std::uint32_t>(q);
        std::vector<Task> tasks;
        for (std::size_t list = 0; list + 1 < first.size(); ++list)
            for (std::size_t i = first[list]; i < first[list + 1]; i += tile)
                tasks.push_back({list, {by_list.data() + i, std::min(tile, first[list + 1] - i)}});
        return tasks;
    }

    void scan(const Task& task, MatrixView<const float> group, Worker& worker) const {
        const float* centroid = index_.centroids.row(task.list);
        std::vector<AdcQuery> queries;
        for (const std::uint32_t q : task.queries) queries.push_back({q, 0.0f, &worker.best[q]});
        if (index_.metric == Metric::dot) {
            for (AdcQuery& query : queries)
                query.base = static_cast<float>(
                    kernels::active().dot_f64(group.row(query.query), centroid, group.cols));
            scan_parts(task.list, tables_, queries);
            return;
        }
        worker.moved.resize(queries.size() * group.cols);
        for (std::size_t i = 0; i < queries.size(); ++i) {
            const float* query = group.row(queries[i].query);
            for (std::size_t d = 0; d < group.cols; ++d)
                worker.moved[i * group.cols + d] = query[d] - centroid[d];
            queries[i].query = i;
        }
        SerialExecutor serial;
        worker.tables.load({worker.moved.data(), queries.size(), group.cols}, true, serial);
        scan_parts(task.list, worker.tables, queries);
    }

    void scan_parts(std::size_t list, const AdcTables& tables, std::span<const AdcQuery> queries) const {
        for (const InvertedLists& part : index_.parts) {
            const auto first = static_cast<std::size_t>(part.offsets[list]);
            const auto count = static_cast<std::size_t>(part.offsets[list + 1]) - first;
            if (count == 0) continue;
            CodeBlock block{{part.codes.row(first), count, part.codes.cols, part.codes.stride}};
            block.ids = part.ids.data() + first;
            AdcScan(tables).scan(block, queries);
        }
    }

    void write(std::size_t q, float* scores, std::int64_t* indices) {
        for (std::size_t w = 1; w < workers_.size(); ++w) workers_[0].best[q].push(workers_[w].best[q]);
        auto sorted = workers_[0].best[q].sorted();
        sorted.resize(k_, {-std::numeric_limits<float>::infinity(), -1});
        for (std::size_t i = 0; i < k_; ++i) scores[i] = sorted[i].score, indices[i] = sorted[i].index;
    }

    const IvfView& index_;
    MatrixView<const float> queries_;
    MatrixView<const std::int64_t> probes_;
    std::size_t k_;
    Executor& executor_;
    AdcTables tables_;  // for dot, of all queries of a group
    std::vector<Worker> workers_;
};

void check(const InvertedLists& part, const IvfView& index) {
    const std::size_t num_lists = index.centroids.rows;
    require(part.codes.cols == index.quantizer.code_size(), "codes",
            "of " + std::to_string(index.quantizer.code_size()) + " bytes a row",
            std::to_string(part.codes.cols));
    require(part.ids.size() == part.codes.rows, "ids", "one a code (" + std::to_string(part.codes.rows) + ")",
            std::to_string(part.ids.size()));
    require(part.offsets.size() == num_lists + 1, "offsets",
            "one a list and one more (" + std::to_string(num_lists + 1) + ")",
            std::to_string(part.offsets.size()));
    const bool ascending = part.offsets.front() == 0 &&
                           std::is_sorted(part.offsets.begin(), part.offsets.end()) &&
                           static_cast<std::size_t>(part.offsets.back()) == part.codes.rows;
    require(ascending, "offsets", "ascending from 0 to the number of codes", "others");
}

}  // namespace

void search(const IvfView& index, MatrixView<const float> queries, MatrixView<const std::int64_t> probes,
            std::size_t k, MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor) {
    const std::size_t dim = index.quantizer.dim();
    require(index.centroids.cols == dim, "centroids", "of dimension " + std::to_string(dim),
            std::to_string(index.centroids.cols));
    require(queries.cols == dim, "queries", "of dimension " + std::to_string(dim),
            std::to_string(queries.cols));
    require(index.metric != Metric::cosine, "metric", "dot or l2", "cosine");
    require(probes.rows == queries.rows, "probes", "one row a query", std::to_string(probes.rows));
    require(k >= 1, "k", "at least 1", "0");
    require(
        scores.rows == queries.rows && scores.cols == k && indices.rows == queries.rows && indices.cols == k,
        "scores and indices", "queries x k", "another shape");
    for (std::size_t q = 0; q < probes.rows; ++q)
        for (const std::int64_t list : probes.row_span(q))
            require(list >= 0 && static_cast<std::size_t>(list) < index.centroids.rows, "probes",
                    "lists from 0 to " + std::to_string(index.centroids.rows - 1), std::to_string(list));
    for (const InvertedLists& part : index.parts) check(part, index);
    require_finite(queries, "queries");
    IvfSearch(index, queries, probes, k, executor).run(scores, indices);
}

}  // namespace hcbir
