#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "adc_scan.hpp"
#include "bar_guess.hpp"
#include "hcbir/error.hpp"
#include "hcbir/pq.hpp"
#include "panels.hpp"
#include "random.hpp"
#include "shapes.hpp"

namespace hcbir {
namespace {

constexpr std::size_t table_bytes = 8 * 1024 * 1024;     // of a group of queries
constexpr std::size_t list_bytes = 256 * 1024 * 1024;    // of all workers' best
constexpr std::size_t tile = AdcTables::max_tile;        // queries that scan a block together
constexpr std::size_t block_codes = PackedCodes::block;  // at least, and a few tasks for each worker
constexpr std::size_t tasks_a_worker = 16;
constexpr std::size_t worth_a_screen = 128 * 1024;  // codes: fewer do not pay for its tables

// The sample that bars are guessed from: a run of codes from each of its equal parts. Where few are asked
// for, the first codes met say as much.
constexpr std::size_t run_codes = 64, one_in = 16, fewest_runs = 64, smallest_guessed = 50,
                      rows_a_wanted = 64, runs_at_once = 512;
constexpr std::size_t one_in_for_few = 64;  // queries, each of which reads the sample by itself
constexpr std::size_t runs_ahead = 4;       // are fetched

class PQSearch {
public:
    /// packed: the codes, if they are; then `codes` says how many.
    PQSearch(const ProductQuantizer& quantizer, MatrixView<const float> queries,
             MatrixView<const std::uint8_t> codes, const PackedCodes* packed, std::size_t k,
             std::size_t num_allowed, const PQSearchOptions& options, Executor& executor)
        : queries_(queries),
          codes_(codes),
          packed_(packed),
          k_(k),
          options_(options),
          executor_(executor),
          tables_(quantizer, options.metric),
          best_(executor.size()) {
        for (std::size_t w = 0; w < executor.size(); ++w) scans_.emplace_back(tables_);
        if (k >= smallest_guessed && num_allowed / k >= rows_a_wanted) sample(num_allowed);
    }

    void run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t group = group_size();
        for (std::size_t base = 0; base < queries_.rows; base += group)
            search_group(base, std::min(group, queries_.rows - base), scores, indices);
    }

private:
    std::size_t group_size() const {
        const std::size_t by_tables =
            table_bytes / (tables_.num_parts() * tables_.part_values() * sizeof(float));
        const std::size_t by_lists = list_bytes / (executor_.size() * k_ * sizeof(Candidate));
        return std::max(std::min(by_tables, by_lists) / tile, std::size_t{1}) * tile;
    }

    /// Codes first .. first + count.
    CodeBlock block(std::size_t first, std::size_t count) const {
        CodeBlock part{{packed_ ? nullptr : codes_.row(first), count, codes_.cols, codes_.stride}, packed_};
        part.first = static_cast<std::int64_t>(first);
        if (!options_.allowed.empty()) part.allowed = options_.allowed.data();
        return part;
    }

    void sample(std::size_t num_allowed) {
        const bool few = queries_.rows < AdcTables::worth_a_tile;
        const std::size_t whole = codes_.rows / run_codes, count = whole / (few ? one_in_for_few : one_in);
        if (count < fewest_runs) return;
        CounterRandom random(0, codes_.rows);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t first = i * whole / count, next = (i + 1) * whole / count;
            const std::size_t row =
                (first + random.below(static_cast<std::uint32_t>(next - first))) * run_codes;
            sample_.push_back(row);
            if (options_.allowed.empty()) continue;
            const auto flags = options_.allowed.subspan(row, run_codes);
            allowed_.insert(allowed_.end(), flags.begin(), flags.end());
        }
        const std::size_t sampled =
            options_.allowed.empty() ? count * run_codes
                                     : static_cast<std::size_t>(std::count_if(
                                           allowed_.begin(), allowed_.end(), [](auto a) { return a != 0; }));
        guess_.emplace(count * run_codes, run_codes, k_,
                       static_cast<double>(sampled) / static_cast<double>(num_allowed));
    }

    void search_group(std::size_t base, std::size_t count, MatrixView<float> scores,
                      MatrixView<std::int64_t> indices) {
        tables_.load({queries_.row(base), count, queries_.cols, queries_.stride}, executor_);
        std::vector<std::uint32_t> queries(count);
        std::iota(queries.begin(), queries.end(), 0u);
        std::vector<float> guesses(count, -std::numeric_limits<float>::infinity());
        gather_tiles(queries);
        if (guess_) guess_bars(queries, guesses);
        while (!queries.empty()) {
            scan_codes(queries, guesses);
            std::vector<std::uint32_t> again;  // without a guess, which too few codes reach
            for (const std::uint32_t q : queries)
                if (!best_[0][q].full() || best_[0][q].bar() < guesses[q])
                    again.push_back(q), guesses[q] = -std::numeric_limits<float>::infinity();
                else
                    write(q, scores.row(base + q), indices.row(base + q));
            queries = std::move(again);
            if (!queries.empty()) gather_tiles(queries);
        }
    }

    /// By the sample, in as few tasks as give all workers work: then each knows good bars sooner.
    void guess_bars(const std::vector<std::uint32_t>& queries, std::vector<float>& guesses) {
        const std::size_t num_tasks = ceil_div(2 * executor_.size(), tiles_.size());
        const std::size_t at_once = ceil_div(sample_.size(), num_tasks);
        scan_blocks(queries, ceil_div(sample_.size(), at_once), guess_->most(), guesses, false,
                    [&](std::size_t task, const auto& scan) {
                        const std::size_t last = std::min((task + 1) * at_once, sample_.size());
                        AlignedBuffer<std::uint8_t> runs;
                        for (std::size_t i = task * at_once; i < last; i += runs_at_once)
                            scan(gather(i, std::min(runs_at_once, last - i), runs));
                    });
        for (const std::uint32_t q : queries) guesses[q] = (*guess_)(std::move(best_[0][q])).safe;
    }

    /// Copies of runs first .. first + count of the sample, whose codes count from 0 on: side by side they
    /// are turned together.
    CodeBlock gather(std::size_t first, std::size_t count, AlignedBuffer<std::uint8_t>& codes) const {
        const std::size_t width = PackedCodes::row_bytes(codes_.cols);
        codes.reserve(count * run_codes * width);
        for (std::size_t i = 0; i < count; ++i) {
            if (packed_ && i + runs_ahead < count) packed_->fetch(sample_[first + i + runs_ahead]);
            copy_run(sample_[first + i], codes.data() + i * run_codes * width);
        }
        CodeBlock block{{codes.data(), count * run_codes, codes_.cols, width}};
        block.first = static_cast<std::int64_t>(first * run_codes);
        if (!options_.allowed.empty()) block.allowed = allowed_.data();
        return block;
    }

    void copy_run(std::size_t row, std::uint8_t* codes) const {
        if (packed_) {
            packed_->rows_of(row, run_codes, codes);
            return;
        }
        for (std::size_t j = 0; j < run_codes; ++j)
            std::copy_n(codes_.row(row + j), codes_.cols, codes + j * PackedCodes::row_bytes(codes_.cols));
    }

    void scan_codes(const std::vector<std::uint32_t>& queries, const std::vector<float>& guesses) {
        // Few and long blocks: codes that may matter wait until many can be scored by one query's tables.
        const std::size_t num_tasks = ceil_div(tasks_a_worker * executor_.size(), tiles_.size());
        const std::size_t wanted = std::clamp(codes_.rows / num_tasks, block_codes, std::size_t{1} << 31);
        const std::size_t size = wanted / block_codes * block_codes;  // of packed codes whole blocks
        scan_blocks(queries, ceil_div(codes_.rows, size), k_, guesses, codes_.rows >= worth_a_screen,
                    [&](std::size_t task, const auto& scan) {
                        const std::size_t first = task * size;
                        scan(block(first, std::min(size, codes_.rows - first)));
                    });
    }

    /// The k best of all blocks into best_[0]. A task's blocks are those that blocks_of(task, scan) calls
    /// scan with.
    template <class BlocksOf>
    void scan_blocks(const std::vector<std::uint32_t>& queries, std::size_t num_tasks, std::size_t k,
                     const std::vector<float>& guesses, bool screened, const BlocksOf& blocks_of) {
        SharedBars bars(guesses.size());
        for (std::size_t q = 0; q < guesses.size(); ++q) bars.raise(q, guesses[q]);
        for (auto& best : best_) {
            best.resize(guesses.size(), TopK(k));
            for (const std::uint32_t q : queries) best[q] = TopK(k);
        }
        for (AdcScan& scan : scans_) scan.begin(&bars, screened);
        executor_.parallel_for(tiles_.size() * num_tasks, [&](std::size_t t, std::size_t worker) {
            const std::size_t first = t / num_tasks * tile;
            std::vector<AdcQuery> together;
            for (std::size_t i = first; i < std::min(first + tile, queries.size()); ++i)
                together.push_back({queries[i], 0.0f, &best_[worker][queries[i]]});
            blocks_of(t % num_tasks, [&](const CodeBlock& codes) {
                scans_[worker].scan(codes, together, tiles_[first / tile]);
            });
        });
        executor_.parallel_for(queries.size(), [&](std::size_t i, std::size_t) {
            for (std::size_t w = 1; w < best_.size(); ++w) best_[0][queries[i]].push(best_[w][queries[i]]);
        });
    }

    /// A tile of every `tile` queries, or of the last ones, where they are worth it.
    void gather_tiles(const std::vector<std::uint32_t>& queries) {
        tiles_.assign(ceil_div(queries.size(), tile), {});
        if (!tables_.has_bytes() || tables_.of_nibbles()) return;
        entries_.reserve(tiles_.size() * tables_.tile_bytes(tile));
        executor_.parallel_for(tiles_.size(), [&](std::size_t t, std::size_t) {
            const std::size_t count = std::min(tile, queries.size() - t * tile);
            if (count < AdcTables::worth_a_tile) return;
            tiles_[t] = tables_.gather({queries.data() + t * tile, count},
                                       entries_.data() + t * tables_.tile_bytes(tile));
        });
    }

    void write(std::size_t q, float* scores, std::int64_t* indices) {
        const auto sorted = best_[0][q].sorted();
        for (std::size_t i = 0; i < k_; ++i) scores[i] = sorted[i].score, indices[i] = sorted[i].index;
    }

    MatrixView<const float> queries_;
    MatrixView<const std::uint8_t> codes_;
    const PackedCodes* packed_;
    std::size_t k_;
    const PQSearchOptions& options_;
    Executor& executor_;
    AdcTables tables_;
    std::vector<std::size_t> sample_;    // where its runs begin
    std::vector<std::uint8_t> allowed_;  // a flag for each of their codes, if there are flags
    std::optional<BarGuess> guess_;      // if it is worth it
    std::vector<AdcScan> scans_;         // of every worker
    std::vector<AdcTables::Tile> tiles_;
    AlignedBuffer<std::uint8_t> entries_;  // of the tiles
    std::vector<std::vector<TopK>> best_;  // of every worker, of every query of a group
};

}  // namespace

namespace {

void search(const ProductQuantizer& quantizer, MatrixView<const float> queries,
            MatrixView<const std::uint8_t> codes, const PackedCodes* packed, std::size_t k,
            const PQSearchOptions& options, MatrixView<float> scores, MatrixView<std::int64_t> indices,
            Executor& executor) {
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
    require_outputs(scores, indices, queries.rows, k);
    require_finite(queries, "queries");
    PQSearch(quantizer, queries, codes, packed, k, num_allowed, options, executor).run(scores, indices);
}

}  // namespace

void search(const ProductQuantizer& quantizer, MatrixView<const float> queries,
            MatrixView<const std::uint8_t> codes, std::size_t k, const PQSearchOptions& options,
            MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor) {
    search(quantizer, queries, codes, nullptr, k, options, scores, indices, executor);
}

void search(const ProductQuantizer& quantizer, MatrixView<const float> queries, const PackedCodes& codes,
            std::size_t k, const PQSearchOptions& options, MatrixView<float> scores,
            MatrixView<std::int64_t> indices, Executor& executor) {
    require(quantizer.bits() == 8, "packed codes", "of 8 bits", std::to_string(quantizer.bits()));
    search(quantizer, queries, {nullptr, codes.rows(), codes.code_size()}, &codes, k, options, scores,
           indices, executor);
}

}  // namespace hcbir
