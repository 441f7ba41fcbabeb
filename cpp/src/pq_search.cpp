#include <algorithm>
#include <numeric>
#include <string>

#include "adc_scan.hpp"
#include "hcbir/error.hpp"
#include "hcbir/pq.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t table_bytes = 64 * 1024 * 1024;  // of a group of queries
constexpr std::size_t list_bytes = 256 * 1024 * 1024;  // of all workers' best
constexpr std::size_t tile = AdcTables::max_tile;      // queries that scan a block together
constexpr std::size_t block_codes = 16 * 1024;

class PQSearch {
public:
    PQSearch(const ProductQuantizer& quantizer, MatrixView<const float> queries,
             MatrixView<const std::uint8_t> codes, std::size_t k, const PQSearchOptions& options,
             Executor& executor)
        : queries_(queries),
          codes_(codes),
          k_(k),
          options_(options),
          executor_(executor),
          tables_(quantizer, options.metric),
          best_(executor.size()) {}

    void run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t group = group_size();
        for (std::size_t base = 0; base < queries_.rows; base += group)
            search_group(base, std::min(group, queries_.rows - base), scores, indices);
    }

private:
    std::size_t group_size() const {
        const std::size_t by_tables = table_bytes / (tables_.code_size() * byte_values * sizeof(float));
        const std::size_t by_lists = list_bytes / (executor_.size() * k_ * sizeof(Candidate));
        return std::max(std::min(by_tables, by_lists) / tile, std::size_t{1}) * tile;
    }

    void search_group(std::size_t base, std::size_t count, MatrixView<float> scores,
                      MatrixView<std::int64_t> indices) {
        tables_.load({queries_.row(base), count, queries_.cols, queries_.stride}, executor_);
        gather_tiles(count);
        SharedBars bars(count);
        std::vector<AdcScan> scans(executor_.size(), AdcScan(tables_, &bars));
        for (auto& best : best_) best.assign(count, TopK(k_));
        const std::size_t num_tiles = ceil_div(count, tile), num_blocks = ceil_div(codes_.rows, block_codes);
        executor_.parallel_for(num_tiles * num_blocks, [&](std::size_t task, std::size_t worker) {
            scan(scans[worker], task / num_blocks * tile, count, task % num_blocks * block_codes,
                 best_[worker]);
        });
        executor_.parallel_for(count, [&](std::size_t q, std::size_t) {
            for (std::size_t w = 1; w < best_.size(); ++w) best_[0][q].push(best_[w][q]);
            const auto sorted = best_[0][q].sorted();
            for (std::size_t i = 0; i < k_; ++i) {
                scores.row(base + q)[i] = sorted[i].score;
                indices.row(base + q)[i] = sorted[i].index;
            }
        });
    }

    /// A tile of every `tile` queries, or of the last ones, where they are worth it.
    void gather_tiles(std::size_t count) {
        tiles_.assign(ceil_div(count, tile), {});
        if (!tables_.has_bytes()) return;
        entries_.reserve(tiles_.size() * tables_.tile_bytes(tile));
        executor_.parallel_for(tiles_.size(), [&](std::size_t t, std::size_t) {
            std::vector<std::uint32_t> queries(std::min(tile, count - t * tile));
            if (queries.size() < AdcTables::worth_a_tile) return;
            std::iota(queries.begin(), queries.end(), static_cast<std::uint32_t>(t * tile));
            tiles_[t] = tables_.gather(queries, entries_.data() + t * tables_.tile_bytes(tile));
        });
    }

    void scan(AdcScan& scan, std::size_t first, std::size_t count, std::size_t row,
              std::vector<TopK>& best) const {
        CodeBlock block{
            {codes_.row(row), std::min(block_codes, codes_.rows - row), codes_.cols, codes_.stride},
            static_cast<std::int64_t>(row)};
        if (!options_.allowed.empty()) block.allowed = options_.allowed.data();
        std::vector<AdcQuery> queries;
        for (std::size_t q = first; q < std::min(first + tile, count); ++q)
            queries.push_back({q, 0.0f, &best[q]});
        scan.scan(block, queries, tiles_[first / tile]);
    }

    MatrixView<const float> queries_;
    MatrixView<const std::uint8_t> codes_;
    std::size_t k_;
    const PQSearchOptions& options_;
    Executor& executor_;
    AdcTables tables_;
    std::vector<AdcTables::Tile> tiles_;
    AlignedBuffer<std::uint8_t> entries_;  // of the tiles
    std::vector<std::vector<TopK>> best_;  // of every worker, of every query of a group
};

}  // namespace

void search(const ProductQuantizer& quantizer, MatrixView<const float> queries,
            MatrixView<const std::uint8_t> codes, std::size_t k, const PQSearchOptions& options,
            MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor) {
    require(queries.cols == quantizer.dim(), "queries", "of dimension " + std::to_string(quantizer.dim()),
            std::to_string(queries.cols));
    require(codes.cols == quantizer.code_size(), "codes",
            "of " + std::to_string(quantizer.code_size()) + " bytes a row", std::to_string(codes.cols));
    require(options.metric != Metric::cosine, "metric",
            "dot or l2 (for cosine, encode vectors of length 1 and use dot)", "cosine");
    require(options.allowed.empty() || options.allowed.size() == codes.rows, "allowed",
            "a flag for each of the " + std::to_string(codes.rows) + " codes",
            std::to_string(options.allowed.size()));
    const std::size_t num_allowed =
        options.allowed.empty()
            ? codes.rows
            : codes.rows - static_cast<std::size_t>(
                               std::count(options.allowed.begin(), options.allowed.end(), std::uint8_t{0}));
    require(k >= 1 && k <= num_allowed, "k",
            "from 1 to the number of codes that may be found (" + std::to_string(num_allowed) + ")",
            std::to_string(k));
    require(
        scores.rows == queries.rows && scores.cols == k && indices.rows == queries.rows && indices.cols == k,
        "scores and indices", "queries x k", "another shape");
    require_finite(queries, "queries");
    PQSearch(quantizer, queries, codes, k, options, executor).run(scores, indices);
}

}  // namespace hcbir
