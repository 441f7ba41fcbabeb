#include "hcbir/search.hpp"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "bar_guess.hpp"
#include "byte_scan.hpp"
#include "every_row.hpp"
#include "few_rows.hpp"
#include "float_scan.hpp"
#include "hcbir/error.hpp"
#include "random.hpp"
#include "rescore.hpp"
#include "row_sample.hpp"
#include "shapes.hpp"

// A scan in low precision bounds every row's key; the few rows that could be among the k best are then scored
// in double. docs/exact-search.md proves the bounds, so that no row of the answer is ever missed.

namespace hcbir {
namespace {

constexpr std::size_t block_bytes = 256 * 1024;         // of the database, to stay in a core's cache
constexpr std::size_t float_block_bytes = 1024 * 1024;  // read in one go
constexpr std::size_t fewest_panels = 4;  // of a block for floats, to be worth reading queries for
constexpr std::size_t list_bytes = 128 * 1024 * 1024;  // of a worker's shortlists, at most
constexpr std::size_t all_list_bytes = 16 * list_bytes;
constexpr std::size_t max_group = 4096;   // queries scanned together
constexpr std::size_t enough_rows = 512;  // for a sample of them to tell whether bytes pay
constexpr std::size_t tasks_per_worker = 4;
constexpr std::size_t few_allowed = 8;     // one row in more than this many
constexpr std::size_t fewest_blocks = 6;   // of which bars are guessed
constexpr double worth_a_stage = 2;        // times the rows that told the bars of before
constexpr std::size_t worth_bytes = 4;     // one pair in this many looked at in float: bytes do not pay
constexpr std::size_t few_for_bytes = 48;  // queries, for which rows are not encoded on the fly

/// All blocks, in the order of the scan.
using Stages = std::vector<std::vector<std::size_t>>;

Stages in_order(std::size_t num_blocks) {
    Stages stages(1, std::vector<std::size_t>(num_blocks));
    std::iota(stages[0].begin(), stages[0].end(), 0);
    return stages;
}

/// The same, but parts drawn at random come first: what is found in them tells what bars to expect. `known`:
/// of the rows, a share that has told so before.
Stages scan_stages(std::size_t num_blocks, double known) {
    CounterRandom random(1, num_blocks);
    std::vector<std::size_t> order = in_order(num_blocks)[0];
    for (std::size_t i = num_blocks; i > 1; --i)
        std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    Stages stages;
    auto from = order.begin();
    for (const std::size_t one_in : {64, 16, 4, 1}) {
        const bool new_to_tell = 1.0 / static_cast<double>(one_in) > worth_a_stage * known;
        if (one_in > 1 && (num_blocks / one_in < fewest_blocks || !new_to_tell)) continue;
        const auto to = order.begin() + static_cast<std::ptrdiff_t>(num_blocks / one_in);
        stages.emplace_back(from, to);
        std::sort(stages.back().begin(), stages.back().end());  // as storage likes it
        from = to;
    }
    return stages;
}

/// A group's queries, packed when a scan in floats first asks for them.
class GroupQueries {
public:
    GroupQueries(const SearchProblem& problem, std::size_t base, std::size_t count)
        : queries_{problem.queries.row(base), count, problem.queries.cols, problem.queries.stride},
          packed_(problem.kernels, false) {}

    const PackedQueries& get() {
        std::call_once(made_, [this] {
            SerialExecutor serial;
            packed_.pack(queries_, serial);
        });
        return packed_;
    }

private:
    MatrixView<const float> queries_;
    std::once_flag made_;
    PackedQueries packed_;
};

struct Worker {
    Candidates candidates;
    FloatScan floats;
    ByteScan bytes;
    /// Whether the scan in bytes leaves few enough rows; `expected` are looked at in float before the bars
    /// stand.
    bool bytes_pay(std::size_t expected) const {
        return candidates.num_refined() <= expected + bytes.num_scanned() / worth_bytes;
    }
};

class Search {
public:
    /// guess: whether rows may be left out by bars that are guessed from a sample.
    Search(const SearchProblem& problem, const SearchOptions& options, Executor& executor, bool guess = true)
        : problem_(problem),
          options_(options),
          executor_(executor),
          group_(group_size()),
          by_bytes_(choose_bytes()),
          bars_(group_),
          codes_(problem, options.codes ? options.codes->axes : PrincipalAxes{}, by_bytes_ ? group_ : 0,
                 by_bytes_ && options.codes && finer_bounds_may_pay(group_, problem)),
          guesses_(group_) {
        for (std::size_t w = 0; w < executor.size(); ++w)
            workers_.push_back(
                {Candidates(problem, group_, bars_), FloatScan(problem), ByteScan(problem, group_, codes_)});
        if (guess && by_bytes_ && problem.rows.size() >= enough_rows)
            sample_.emplace(problem, options.codes, executor);
    }

    /// Returns the queries whose guessed bars turned out to be too high: nothing is written for these.
    std::vector<std::size_t> run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        std::vector<std::size_t> open;
        for (std::size_t base = 0; base < problem_.queries.rows; base += group_) {
            const std::size_t count = std::min(group_, problem_.queries.rows - base);
            bars_.clear();
            std::fill(guesses_.begin(), guesses_.end(), -std::numeric_limits<float>::infinity());
            for (Worker& worker : workers_) worker.candidates.begin_group(base, nullptr);
            if (by_bytes_) prepare_bytes(base, count);
            scan(base, count);
            for (const std::size_t q : rescore(base, count, scores, indices)) open.push_back(base + q);
        }
        return open;
    }

private:
    std::size_t group_size() const {
        constexpr std::size_t tile = kernels::byte_tile_queries;  // a multiple of every level's tile_queries
        const std::size_t kept = Shortlist::limit(problem_.k) * sizeof(Shortlist::Entry),
                          room = std::min(list_bytes, all_list_bytes / executor_.size());
        return std::min({ceil_div(problem_.queries.rows, tile) * tile, max_group / tile * tile,
                         std::max(room / kept / tile, std::size_t{1}) * tile});
    }

    bool choose_bytes() const {
        if (options_.precision == Precision::float32 || problem_.queries.cols > kernels::max_byte_dim)
            return false;
        if (options_.precision == Precision::int8) return true;
        return problem_.rows.size() >= enough_rows &&
               (options_.codes || problem_.queries.rows > few_for_bytes);
    }

    void prepare_bytes(std::size_t base, std::size_t count) {
        codes_.load(base, count, executor_);
        if (!sample_) return;
        std::vector<RowSample::Worker> workers;
        for (Worker& worker : workers_) {
            workers.push_back({&worker.bytes, &worker.candidates});
            worker.candidates.begin_group(base, sample_->flags());
        }
        const bool pay = sample_->guess(base, count, workers, guesses_.data(), executor_);
        for (std::size_t q = 0; q < count; ++q) bars_.raise(q, guesses_[q]);
        if (pay || options_.precision == Precision::int8) return;
        by_bytes_ = false;
        for (Worker& worker : workers_) {
            worker.candidates.begin_group(base, nullptr);
            for (std::size_t q = 0; q < count; ++q) worker.candidates.forget(q);
        }
    }

    void scan(std::size_t base, std::size_t count) {
        const std::size_t tile = std::lcm(kernels::byte_tile_queries, PackedQueries::panel_queries),
                          n = problem_.rows.size();
        const std::size_t row_bytes =
            problem_.queries.cols * (by_bytes_ && options_.codes ? 1 : sizeof(float));
        const std::size_t share = n * row_bytes / (tasks_per_worker * executor_.size());
        const std::size_t bytes = by_bytes_ ? block_bytes : std::clamp(share, block_bytes, float_block_bytes);
        const std::size_t block_rows =
            std::clamp(bytes / (row_bytes * kernels::byte_panel_rows),
                       by_bytes_ ? std::size_t{1} : fewest_panels, std::size_t{64}) *
            kernels::byte_panel_rows;
        const std::size_t num_blocks = ceil_div(n, block_rows), num_tiles = ceil_div(count, tile);

        GroupQueries queries(problem_, base, count);
        const auto stages =
            by_bytes_ && sample_ ? scan_stages(num_blocks, sample_->share()) : in_order(num_blocks);
        std::size_t seen = 0;
        for (const auto& blocks : stages) {
            const std::size_t num_parts =
                std::min(num_tiles, ceil_div(tasks_per_worker * executor_.size(), blocks.size()));
            const std::size_t part = ceil_div(num_tiles, num_parts) * tile;
            executor_.parallel_for(blocks.size() * num_parts, [&](std::size_t task, std::size_t w) {
                const std::size_t row = blocks[task / num_parts] * block_rows,
                                  first = task % num_parts * part;
                if (first >= count) return;
                scan_block(workers_[w], row, std::min(block_rows, n - row), base, first,
                           std::min(first + part, count), queries);
            });
            seen += blocks.size();
            if (seen < num_blocks) raise_guesses(count, num_blocks, seen, block_rows);
        }
    }

    /// By what was found in a part of the blocks, drawn at random, and in the sample.
    void raise_guesses(std::size_t count, std::size_t num_blocks, std::size_t num_seen,
                       std::size_t block_rows) {
        const double in_blocks = static_cast<double>(num_seen) / static_cast<double>(num_blocks),
                     share = in_blocks + (1 - in_blocks) * sample_->share();
        struct Scratch {
            BarGuess guess;
            std::vector<float> keys;
            std::vector<std::uint64_t> rows;
        };
        std::vector<Scratch> scratch;
        for (std::size_t w = 0; w < executor_.size(); ++w)
            scratch.push_back({BarGuess(problem_.rows.size(), block_rows, problem_.k, share), {}, {}});
        executor_.parallel_for(count, [&](std::size_t q, std::size_t w) {
            auto& [guess, keys, rows] = scratch[w];
            keys.clear(), rows.clear();
            for (const Worker& worker : workers_) {
                if (!worker.candidates.scored(q).empty()) return;  // the list is not all that was found
                for (const auto& entry : worker.candidates.shortlist(q).entries()) {
                    const float key = entry.lower / 2 + entry.upper / 2;
                    if (!std::isfinite(key)) return;  // nothing is known of the row
                    if (key < guesses_[q]) continue;  // it would not raise the guess
                    keys.push_back(key), rows.push_back(entry.row());
                }
            }
            const float safe = guess(keys, [&](std::size_t i) { return rows[i]; }).safe;
            guesses_[q] = std::max(guesses_[q], safe);
            bars_.raise(q, safe);
        });
    }

    /// Queries first .. last - 1 of the group.
    void scan_block(Worker& worker, std::size_t row, std::size_t num_rows, std::size_t base,
                    std::size_t first, std::size_t last, GroupQueries& queries) {
        auto& [candidates, floats, bytes] = worker;
        if (by_bytes_ && (options_.precision == Precision::int8 ||
                          worker.bytes_pay(2 * Shortlist::limit(problem_.k) * (last - first)))) {
            const CodedRows rows = options_.codes
                                       ? coded_rows(*options_.codes, problem_.queries.cols, row, num_rows)
                                       : bytes.encode(row, num_rows);
            bytes.scan(rows, row, base, first, last, candidates);
        } else {
            floats.scan(row, num_rows, base, first, last, queries.get(), candidates);
        }
    }

    std::vector<std::size_t> rescore(std::size_t base, std::size_t count, MatrixView<float> scores,
                                     MatrixView<std::int64_t> indices) {
        std::vector<Candidates*> kept;
        for (auto& worker : workers_) kept.push_back(&worker.candidates);
        std::optional<FinerBounds> finer;
        if (codes_.has_rests()) finer.emplace(problem_, *options_.codes, codes_);
        return rescore_group(problem_, kept, finer ? &*finer : nullptr, guesses_, base, count, scores,
                             indices, executor_);
    }

    const SearchProblem& problem_;
    const SearchOptions& options_;
    Executor& executor_;
    std::size_t group_;
    bool by_bytes_;
    SharedBars bars_;
    QueryCodes codes_;
    std::vector<float> guesses_;  // of the group's bars
    std::optional<RowSample> sample_;
    std::vector<Worker> workers_;
};

/// The same for the queries in `open` alone, without guesses.
void search_again(const SearchProblem& problem, const SearchOptions& options,
                  const std::vector<std::size_t>& open, MatrixView<float> scores,
                  MatrixView<std::int64_t> indices, Executor& executor) {
    const std::size_t dim = problem.queries.cols, k = problem.k;
    std::vector<float> queries, found_scores(open.size() * k);
    std::vector<std::int64_t> found_indices(open.size() * k);
    for (const std::size_t q : open)
        queries.insert(queries.end(), problem.queries.row(q), problem.queries.row(q) + dim);
    const SearchProblem rest({queries.data(), open.size(), dim, dim}, problem.rows, problem.allowed, k,
                             problem.metric, executor);
    Search(rest, options, executor, false)
        .run({found_scores.data(), open.size(), k, k}, {found_indices.data(), open.size(), k, k});
    for (std::size_t i = 0; i < open.size(); ++i) {
        std::copy_n(found_scores.data() + i * k, k, scores.row(open[i]));
        std::copy_n(found_indices.data() + i * k, k, indices.row(open[i]));
    }
}

}  // namespace

void search(MatrixView<const float> queries, const Database& database, std::size_t k,
            const SearchOptions& options, MatrixView<float> scores, MatrixView<std::int64_t> indices,
            Executor& executor) {
    require_dimension(queries.cols, database.cols);
    require(options.allowed.empty() || options.allowed.size() == database.rows, "allowed",
            "a flag for each of the " + std::to_string(database.rows) + " rows",
            std::to_string(options.allowed.size()));
    const std::size_t num_allowed = count_allowed(options.allowed, database.rows);
    require(k >= 1 && k <= num_allowed, "k",
            "from 1 to the number of database rows that may be found (" + std::to_string(num_allowed) + ")",
            std::to_string(k));
    require_outputs(scores, indices, queries.rows, k);
    if (options.codes) require_codes(*options.codes, database, options.metric);

    // Few rows are picked out; of many, the codes of all are read.
    SearchOptions chosen = options;
    const bool small = options.precision == Precision::automatic && is_small(database.rows, database.cols);
    if (small || num_allowed < database.rows / few_allowed) chosen.codes = nullptr;
    const bool pick = num_allowed < database.rows && !chosen.codes;
    const Rows rows = pick ? Rows(database, options.allowed) : Rows(database);
    const auto flags =
        pick || num_allowed == database.rows ? std::span<const std::uint8_t>() : options.allowed;
    const SearchProblem problem(queries, rows, flags, k, options.metric, executor);
    try {
        SerialExecutor serial;
        Executor& workers = problem.workers(queries.rows, executor, serial);
        if (small && wants_every_row(problem)) return search_every_row(problem, scores, indices, workers);
        const bool all_keys = small || (options.precision == Precision::automatic && wants_all_keys(problem));
        if (all_keys && search_few_rows(problem, scores, indices, workers)) return;
        const auto open = Search(problem, chosen, workers).run(scores, indices);
        if (!open.empty()) search_again(problem, chosen, open, scores, indices, workers);
    } catch (const NonFinite&) {
        rows.require_finite();  // names the first such row, whichever task came first
    }
}

}  // namespace hcbir
