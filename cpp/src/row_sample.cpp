#include "row_sample.hpp"

#include <atomic>

#include "bar_guess.hpp"
#include "random.hpp"

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::byte_tile_queries;

constexpr std::size_t one_in = 16, one_in_codes = 8, fewest_panels = 4, most_panels = 512;
constexpr std::size_t enough_pairs = 1 << 14;  // of panels and queries

// Measured on Zen 3: to look at a row in float costs what d + 128 columns do in a scan, and bytes save a
// twelfth of that a pair, all told.
constexpr double overhead_columns = 128, saved = 1.0 / 12;

/// How many keys of a panel are at least `bar`, or unknown.
std::size_t num_reaching(const float* keys, float bar) {
    std::int32_t count = 0;
    for (std::size_t j = 0; j < byte_panel_rows; ++j) count += !(keys[j] < bar);
    return static_cast<std::size_t>(count);
}

/// What a key of a sampled row, and its error at most, were before they were rounded to floats.
std::pair<float, float> bounds_of(float key, float margin) {
    const double wide = double{margin} * (1 + 0x1p-22) + 0x1p-22 * std::abs(double{key});
    return {round_down(key - wide), round_up(key + wide)};
}

/// Less than any key that may reach the bar.
float key_below(float bar, float margin) {
    return round_down(bar - double{margin} * (1 + 0x1p-20) - 0x1p-20 * std::abs(double{bar}) - 0x1p-140);
}

/// Adds those rows of a panel that may reach the bar.
void add_panel(std::size_t row, const float* keys, float margin, float bar, std::size_t q,
               Candidates& candidates) {
    for (std::size_t j = 0; j < byte_panel_rows; ++j) {
        const auto [lower, upper] = bounds_of(keys[j], margin);
        if (!(upper < bar)) candidates.add_seen(q, lower, upper, row + j, false);
    }
}

}  // namespace

CodedRows coded_rows(const ByteCodes& codes, std::size_t dim, std::size_t row, std::size_t count) {
    const std::size_t panel = row / byte_panel_rows;
    const PanelBytes bytes = panel_bytes(dim, head_of(dim, codes.axes));
    const std::uint8_t* tails = codes.codes.data + codes.codes.rows * bytes.head;
    return {codes.codes.data + panel * bytes.head, tails + panel * bytes.tail,
            reinterpret_cast<const kernels::BytePanel*>(codes.bounds.row(panel)),
            codes.offsets.empty() ? nullptr : codes.offsets.data() + row, count};
}

RowSample::RowSample(const SearchProblem& problem, const ByteCodes* given, Executor& executor)
    : problem_(problem), flags_(ceil_div(problem.rows.size(), byte_panel_rows)) {
    const std::size_t n = problem.rows.size(), dim = problem.queries.cols, whole = n / byte_panel_rows;
    const std::size_t most = std::clamp(enough_pairs / std::max(problem.queries.rows, std::size_t{1}),
                                        most_panels / 4, most_panels);
    const std::size_t count =
        std::min(std::clamp(whole / (given ? one_in_codes : one_in), fewest_panels, most), whole);
    CounterRandom random(0, n);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t first = i * whole / count, next = (i + 1) * whole / count;
        panels_.push_back(
            {(first + random.below(static_cast<std::uint32_t>(next - first))) * byte_panel_rows, {}});
    }
    std::size_t sampled = 0;
    for (const Panel& panel : panels_) {
        flags_[panel.row / byte_panel_rows] = 1;
        for (std::size_t j = 0; j < byte_panel_rows; ++j) sampled += problem.may_be_found(panel.row + j);
    }
    share_ = static_cast<double>(sampled) / static_cast<double>(count_allowed(problem.allowed, n));
    if (given) {
        for (Panel& panel : panels_) panel.codes = coded_rows(*given, dim, panel.row, byte_panel_rows);
        return;
    }
    const std::size_t head = head_of(dim, {}), size = byte_codes_cols(dim);
    codes_.reserve(count * size), bounds_.reserve(count), offsets_.reserve(count * byte_panel_rows);
    struct Coder {
        RowCoder coder;
        AlignedBuffer<float> floats;
    };
    std::vector<Coder> coders;
    for (std::size_t w = 0; w < executor.size(); ++w)
        coders.push_back({RowCoder(problem.metric, dim, head), AlignedBuffer<float>()});
    executor.parallel_for(count, [&](std::size_t i, std::size_t w) {
        Panel& panel = panels_[i];
        auto& [coder, floats] = coders[w];
        std::uint8_t *codes = codes_.data() + i * size, *tail = codes + panel_bytes(dim, head).head;
        float* offsets = offsets_.data() + i * byte_panel_rows;
        panel.codes = {codes, tail, bounds_.data() + i, offsets, byte_panel_rows};
        coder.encode(problem.rows.floats(panel.row, byte_panel_rows, floats), codes, tail, bounds_.data() + i,
                     offsets);
    });
}

bool RowSample::guess(std::size_t base, std::size_t count, const std::vector<Worker>& workers, float* bars,
                      Executor& executor) const {
    const std::size_t num_sampled = panels_.size() * byte_panel_rows;
    struct Scratch {
        BarGuess guess;
        AlignedBuffer<float> keys, margins;
    };
    std::vector<Scratch> scratch;
    for (std::size_t w = 0; w < executor.size(); ++w)
        scratch.push_back({BarGuess(num_sampled, byte_panel_rows, problem_.k, share_),
                           AlignedBuffer<float>(byte_tile_queries * num_sampled),
                           AlignedBuffer<float>(byte_tile_queries * panels_.size())});
    std::atomic<std::size_t> left = 0;
    executor.parallel_for(ceil_div(count, byte_tile_queries), [&](std::size_t tile, std::size_t w) {
        auto& [guess, keys, margins] = scratch[w];
        const std::size_t first = tile * byte_tile_queries,
                          height = std::min(byte_tile_queries, count - first);
        for (std::size_t p = 0; p < panels_.size(); ++p)
            workers[w].scan->score_panel(panels_[p].codes, base, first, height,
                                         keys.data() + p * byte_panel_rows, num_sampled, margins.data() + p,
                                         panels_.size());
        if (!problem_.allowed.empty())
            for (std::size_t i = 0; i < num_sampled; ++i)
                if (!problem_.may_be_found(panels_[i / byte_panel_rows].row + i % byte_panel_rows))
                    for (std::size_t q = 0; q < height; ++q)
                        keys[q * num_sampled + i] = -std::numeric_limits<float>::infinity();
        std::size_t reach = 0;
        for (std::size_t q = 0; q < height; ++q) {
            const float* key = keys.data() + q * num_sampled;
            const auto guessed = guess({key, num_sampled});
            bars[first + q] = guessed.safe;
            for (std::size_t p = 0; p < panels_.size(); ++p, key += byte_panel_rows) {
                const float margin = margins[q * panels_.size() + p];
                reach += num_reaching(key, guessed.likely - margin);
                if (num_reaching(key, key_below(guessed.safe, margin)) > 0)
                    add_panel(panels_[p].row, key, margin, guessed.safe, first + q, *workers[w].candidates);
            }
        }
        left += reach;
    });
    const double rows_left = static_cast<double>(left) / static_cast<double>(count * num_sampled);
    const auto dim = static_cast<double>(problem_.queries.cols);
    return rows_left * (dim + overhead_columns) <= dim * saved;
}

}  // namespace hcbir
