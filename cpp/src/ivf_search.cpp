#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "adc_scan.hpp"
#include "hcbir/error.hpp"
#include "hcbir/ivf.hpp"
#include "kernels/dispatch.hpp"
#include "nearest_centroid.hpp"
#include "panels.hpp"
#include "shapes.hpp"

namespace hcbir {
namespace {

constexpr std::size_t table_bytes = 64 * 1024 * 1024;  // of a group of queries
constexpr std::size_t list_bytes = 256 * 1024 * 1024;  // of all workers' best
// Queries that scan a list together; of more, their byte tables would leave the L2 no room for its codes.
constexpr std::size_t tile = 32;
constexpr std::size_t meetings_for_a_tile = 1024;  // of a code and a query: fewer do not pay for one
constexpr std::size_t codes_a_task = 1024;

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
          tables_(index.quantizer, Metric::dot),
          workers_(executor.size()) {
        for (std::size_t w = 0; w < executor.size(); ++w) scans_.emplace_back(tables_);
    }

    void run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t group = group_size();
        for (std::size_t base = 0; base < queries_.rows; base += group)
            search_group(base, std::min(group, queries_.rows - base), scores, indices);
    }

private:
    struct Worker {
        std::vector<TopK> best;               // of every query of the group
        AlignedBuffer<std::uint8_t> entries;  // of a tile
    };

    std::size_t group_size() const {
        const std::size_t by_tables =
            table_bytes / (tables_.num_parts() * tables_.part_values() * sizeof(float));
        const std::size_t by_lists = list_bytes / (executor_.size() * k_ * sizeof(Candidate));
        return std::max(std::min(by_tables, by_lists), std::size_t{1});
    }

    void search_group(std::size_t base, std::size_t count, MatrixView<float> scores,
                      MatrixView<std::int64_t> indices) {
        const MatrixView<const float> group{queries_.row(base), count, queries_.cols, queries_.stride};
        tables_.begin(count);
        SharedBars bars(count);
        for (AdcScan& scan : scans_) scan.begin(&bars, false);
        for (auto& worker : workers_) worker.best.assign(count, TopK(k_));
        // The first list, the nearest as a rule, says best what the others have to reach; many of its codes
        // are scored, from tables that are in the cache while they are new.
        const bool alone = probes_.cols > 0 && count < AdcTables::worth_a_tile * index_.centroids.rows;
        executor_.parallel_for(count, [&](std::size_t q, std::size_t w) {
            load_tables(q, group.row(q));
            const auto query = static_cast<std::uint32_t>(q);
            if (alone)
                scan({static_cast<std::size_t>(probes_.row(base + q)[0]), {&query, 1}}, group, scans_[w],
                     workers_[w]);
        });
        const std::size_t first = std::min(probes_.cols, std::size_t{1});
        if (!alone) scan_probes({probes_.row(base), count, first, probes_.stride}, group);
        scan_probes({probes_.row(base) + first, count, probes_.cols - first, probes_.stride}, group);
        executor_.parallel_for(count, [&](std::size_t q, std::size_t) {
            write(q, scores.row(base + q), indices.row(base + q));
        });
    }

    void scan_probes(MatrixView<const std::int64_t> probes, MatrixView<const float> group) {
        std::vector<std::uint32_t> by_list;
        const std::vector<Task> tasks = tasks_of(probes, by_list);
        executor_.parallel_for(tasks.size(), [&](std::size_t t, std::size_t w) {
            scan(tasks[t], group, scans_[w], workers_[w]);
        });
    }

    /// Probes by list; `by_list` holds the queries that the tasks name.
    std::vector<Task> tasks_of(MatrixView<const std::int64_t> probes,
                               std::vector<std::uint32_t>& by_list) const {
        std::vector<std::size_t> first(index_.centroids.rows + 1);
        for (std::size_t q = 0; q < probes.rows; ++q)
            for (const std::int64_t list : probes.row_span(q)) ++first[static_cast<std::size_t>(list) + 1];
        std::partial_sum(first.begin(), first.end(), first.begin());
        by_list.resize(first.back());
        auto next = first;
        for (std::size_t q = 0; q < probes.rows; ++q)
            for (const std::int64_t list : probes.row_span(q))
                by_list[next[static_cast<std::size_t>(list)]++] = static_cast<std::uint32_t>(q);
        std::vector<Task> tasks;
        for (std::size_t list = 0; list + 1 < first.size(); ++list)
            for (std::size_t i = first[list]; i < first[list + 1]; i += tile)
                tasks.push_back({list, {by_list.data() + i, std::min(tile, first[list + 1] - i)}});
        return tasks;
    }

    void load_tables(std::size_t q, const float* query) {
        if (index_.metric == Metric::dot) return tables_.load(q, query);
        std::vector<float> seen(index_.origin.size());  // twice, from the origin
        for (std::size_t d = 0; d < seen.size(); ++d) seen[d] = 2 * (query[d] - index_.origin[d]);
        tables_.load(q, seen.data());
    }

    void scan(const Task& task, MatrixView<const float> group, AdcScan& scan, Worker& worker) const {
        const auto& kernels = kernels::active();
        const float* centroid = index_.centroids.row(task.list);
        std::vector<AdcQuery> queries;
        for (const std::uint32_t q : task.queries) {
            const float* query = group.row(q);
            const double base = index_.metric == Metric::dot
                                    ? kernels.dot_f64(query, centroid, group.cols)
                                    : 0.0 - kernels.squared_l2_f64(query, centroid, group.cols);
            queries.push_back({q, static_cast<float>(base), &worker.best[q]});
        }
        AdcTables::Tile gathered;
        if (tables_.has_bytes() && !tables_.of_nibbles() && queries.size() >= AdcTables::worth_a_tile &&
            queries.size() * codes_in(task.list) >= meetings_for_a_tile) {
            worker.entries.reserve(tables_.tile_bytes(queries.size()));
            gathered = tables_.gather(task.queries, worker.entries.data());
        }
        for (const InvertedLists& part : index_.parts) {
            const auto first = static_cast<std::size_t>(part.offsets[task.list]);
            const auto count = static_cast<std::size_t>(part.offsets[task.list + 1]) - first;
            if (count == 0) continue;
            CodeBlock block{{part.codes.row(first), count, part.codes.cols, part.codes.stride}};
            block.ids = part.ids.data() + first;
            if (!part.terms.empty()) block.terms = part.terms.data() + first;
            scan.scan(block, queries, gathered);
        }
    }

    std::size_t codes_in(std::size_t list) const {
        std::size_t count = 0;
        for (const InvertedLists& part : index_.parts)
            count += static_cast<std::size_t>(part.offsets[list + 1] - part.offsets[list]);
        return count;
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
    AdcTables tables_;
    std::vector<Worker> workers_;
    std::vector<AdcScan> scans_;  // of every worker
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
    require(part.terms.size() == (index.metric == Metric::l2 ? part.codes.rows : 0), "terms",
            "for l2 one a code, for dot none", std::to_string(part.terms.size()));
}

/// What searching and list_terms() need of an index.
void check(const IvfView& index) {
    const std::size_t dim = index.quantizer.dim();
    require(index.centroids.cols == dim, "centroids", "of dimension " + std::to_string(dim),
            std::to_string(index.centroids.cols));
    require(index.metric != Metric::cosine, "metric", "dot or l2", "cosine");
    require(index.origin.size() == (index.metric == Metric::l2 ? dim : 0), "origin",
            "for l2 of dimension " + std::to_string(dim) + ", for dot none",
            std::to_string(index.origin.size()));
}

void check_lists(std::span<const std::int64_t> lists, const IvfView& index, const char* name) {
    for (const std::int64_t list : lists)
        require(list >= 0 && static_cast<std::size_t>(list) < index.centroids.rows, name,
                "lists from 0 to " + std::to_string(index.centroids.rows - 1), std::to_string(list));
}

}  // namespace

void list_terms(const IvfView& index, MatrixView<const std::uint8_t> codes,
                std::span<const std::int64_t> lists, std::span<float> terms, Executor& executor) {
    check(index);
    require(lists.size() == codes.rows, "lists", "one a code (" + std::to_string(codes.rows) + ")",
            std::to_string(lists.size()));
    require(terms.size() == codes.rows, "terms", "one a code", std::to_string(terms.size()));
    check_lists(lists, index, "lists");
    const auto dot = kernels::active().dot_f64;
    const std::size_t dim = index.quantizer.dim();
    executor.parallel_for(ceil_div(codes.rows, codes_a_task), [&](std::size_t task, std::size_t) {
        const std::size_t first = task * codes_a_task, count = std::min(codes_a_task, codes.rows - first);
        std::vector<float> rests(count * dim), seen(dim);
        SerialExecutor serial;
        index.quantizer.decode({codes.row(first), count, codes.cols, codes.stride},
                               {rests.data(), count, dim}, serial);
        for (std::size_t i = 0; i < count; ++i) {
            const float *rest = rests.data() + i * dim,
                        *centroid = index.centroids.row(static_cast<std::size_t>(lists[first + i]));
            for (std::size_t d = 0; d < dim; ++d) seen[d] = centroid[d] - index.origin[d];
            terms[first + i] = static_cast<float>(dot(rest, rest, dim) + 2 * dot(seen.data(), rest, dim));
        }
    });
}

void search(const IvfView& index, MatrixView<const float> queries, MatrixView<const std::int64_t> probes,
            std::size_t k, MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor) {
    check(index);
    require(queries.cols == index.quantizer.dim(), "queries",
            "of dimension " + std::to_string(index.quantizer.dim()), std::to_string(queries.cols));
    require(probes.rows == queries.rows, "probes", "one row a query", std::to_string(probes.rows));
    require(k >= 1, "k", "at least 1", "0");
    require_outputs(scores, indices, queries.rows, k);
    for (std::size_t q = 0; q < probes.rows; ++q) check_lists(probes.row_span(q), index, "probes");
    for (const InvertedLists& part : index.parts) check(part, index);
    require_in_range(queries, "queries");
    IvfSearch(index, queries, probes, k, executor).run(scores, indices);
}

}  // namespace hcbir
