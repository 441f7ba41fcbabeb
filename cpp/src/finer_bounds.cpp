#include "finer_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "row_sample.hpp"
#include "transpose.hpp"

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::rest_block;

// Measured on Zen 3: what is saved is the time to read floats, what it takes are a panel's rows.
constexpr std::size_t least_dim = 1024, worth_pairs = 2;  // a row

/// A panel's codes of `quads` fours of columns, as rows.
void unpack_panel(const std::uint8_t* codes, std::size_t quads, std::uint8_t* rows, std::size_t stride) {
    const auto* from = reinterpret_cast<const std::uint32_t*>(codes);
    auto* to = reinterpret_cast<std::uint32_t*>(rows);
    const std::size_t whole = quads / 4 * 4;
    for (std::size_t c = 0; c < whole; c += 4)
        for (std::size_t r = 0; r < byte_panel_rows; r += 4)
            transpose4(from + c * byte_panel_rows + r, byte_panel_rows, to + r * (stride / 4) + c,
                       stride / 4);
    for (std::size_t c = whole; c < quads; ++c)
        for (std::size_t r = 0; r < byte_panel_rows; ++r)
            std::memcpy(rows + r * stride + 4 * c, codes + 4 * (c * byte_panel_rows + r), 4);
}

}  // namespace

bool finer_bounds_may_pay(std::size_t num_queries, const SearchProblem& problem) {
    return problem.queries.cols >= least_dim && num_queries * problem.k >= problem.rows.size();
}

/// What is to be looked at, row after row. A slot counts the entries of all lists.
class FinerBounds::PairsByRow {
public:
    struct Pair {
        std::uint32_t query, slot;
    };

    PairsByRow(const std::vector<Shortlist*>& lists, std::size_t num_rows) : ends_(num_rows + 1) {
        for (const Shortlist* list : lists)
            for (const auto& entry : list->entries()) ends_[entry.row() + 1] += !entry.refined();
        for (std::size_t row = 0; row < num_rows; ++row) ends_[row + 1] += ends_[row];
        pairs_.resize(ends_.back());
        std::uint32_t query = 0, slot = 0;
        for (const Shortlist* list : lists) {
            for (const auto& entry : list->entries()) {
                if (!entry.refined()) pairs_[ends_[entry.row()]++] = {query, slot};
                ++slot;
            }
            ++query;
        }
    }

    std::size_t size() const { return pairs_.size(); }
    std::span<const Pair> rows(std::size_t first, std::size_t count) const {
        const std::size_t begin = first == 0 ? 0 : ends_[first - 1];
        return {pairs_.data() + begin, ends_[first + count - 1] - begin};
    }

private:
    std::vector<std::uint32_t> ends_;  // of each row's pairs
    std::vector<Pair> pairs_;
};

/// Multiplies the rows of panels with what the codes of queries leave of them; one worker's.
class FinerBounds::PanelScorer {
public:
    explicit PanelScorer(const FinerBounds& bounds)
        : bounds_(bounds),
          stride_(bounds.queries_.rest_blocks() * rest_block + 64),  // not all in one set of the first cache
          rows_(byte_panel_rows * stride_) {
        std::memset(rows_.data(), 0, byte_panel_rows * stride_);
    }

    void score(const PairsByRow& pairs, std::size_t first_row, std::size_t count, std::int32_t* products) {
        if (pairs.rows(first_row, count).empty()) return;
        const auto& [problem, codes, queries] = bounds_;
        const std::size_t head_bytes = queries.rest_blocks_of_head() * rest_block,
                          num_blocks = queries.rest_blocks(),
                          head = head_of(problem.queries.cols, codes.axes);
        const CodedRows coded = coded_rows(codes, problem.queries.cols, first_row, count);
        unpack_panel(coded.heads, head, rows_.data(), stride_);
        unpack_panel(coded.tails, ceil_div(problem.queries.cols, 4) - head, rows_.data() + head_bytes,
                     stride_);
        for (std::size_t r = 0; r < count; ++r) {
            const auto of_row = pairs.rows(first_row + r, 1);
            const std::uint8_t* row = rows_.data() + r * stride_;
            rests_.clear();
            for (const auto& pair : of_row) rests_.push_back(queries.rests(pair.query));
            products_.resize(of_row.size());
            if (queries.product_shift() == 0) {
                problem.kernels.rest_dots(row, rests_.data(), of_row.size(), num_blocks, products_.data());
                for (std::size_t i = 0; i < of_row.size(); ++i) products[of_row[i].slot] = products_[i];
                continue;
            }
            problem.kernels.rest_dots(row, rests_.data(), of_row.size(), queries.rest_blocks_of_head(),
                                      products_.data());
            for (std::size_t i = 0; i < of_row.size(); ++i) {
                products[of_row[i].slot] = products_[i] << queries.product_shift();
                rests_[i] += head_bytes / 2;
            }
            problem.kernels.rest_dots(row + head_bytes, rests_.data(), of_row.size(),
                                      num_blocks - queries.rest_blocks_of_head(), products_.data());
            for (std::size_t i = 0; i < of_row.size(); ++i) products[of_row[i].slot] += products_[i];
        }
    }

private:
    const FinerBounds& bounds_;
    std::size_t stride_;
    AlignedBuffer<std::uint8_t> rows_;
    std::vector<const std::uint8_t*> rests_;
    std::vector<std::int32_t> products_;
};

void FinerBounds::tighten(const std::vector<Shortlist*>& lists, std::size_t base, Executor& executor) const {
    const std::size_t n = problem_.rows.size();
    const PairsByRow pairs(lists, n);
    if (pairs.size() < worth_pairs * n) return;
    std::vector<std::size_t> slots(lists.size() + 1);
    for (std::size_t q = 0; q < lists.size(); ++q) slots[q + 1] = slots[q] + lists[q]->entries().size();
    AlignedBuffer<std::int32_t> products(slots.back());
    std::vector<PanelScorer> scorers;
    for (std::size_t w = 0; w < executor.size(); ++w) scorers.emplace_back(*this);
    executor.parallel_for(ceil_div(n, byte_panel_rows), [&](std::size_t panel, std::size_t w) {
        const std::size_t first = panel * byte_panel_rows;
        scorers[w].score(pairs, first, std::min(byte_panel_rows, n - first), products.data());
    });
    executor.parallel_for(lists.size(), [&](std::size_t q, std::size_t) {
        tighten_list(*lists[q], base, q, products.data() + slots[q]);
    });
}

void FinerBounds::tighten_list(Shortlist& list, std::size_t base, std::size_t q,
                               const std::int32_t* products) const {
    list.tighten([&](const Shortlist::Entry& entry) {
        const std::int32_t product = *products++;
        const auto* panel =
            reinterpret_cast<const kernels::BytePanel*>(codes_.bounds.row(entry.row() / byte_panel_rows));
        KeyScale scale = queries_.finer_scale(*panel, base, q);
        const double lower = entry.lower, upper = entry.upper;
        scale.known = scale.known && !entry.refined() && std::isfinite(upper - lower);
        // What the scan went by, but for the rounding of its bounds.
        const double estimate = (lower + upper) / 2;
        scale.margin += 0x1p-22 * (std::abs(lower) + std::abs(upper)) + 0x1p-147;
        return scale.bounds(estimate + product * scale.unit);
    });
}

}  // namespace hcbir
