#include "adc_scan.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t terms_at_once = 128;   // of codes with terms, since bars go by the least of them
constexpr std::size_t codes_at_first = 64;   // twice as many each time: what meets no bar is scored in float
constexpr std::size_t turned_at_once = 256;  // codes of 4 bits: they stay in the L1

std::size_t at_once(const CodeBlock& block) { return block.terms ? terms_at_once : AdcScan::codes_at_once; }

double least_term(const CodeBlock& block, std::size_t first, std::size_t count) {
    return block.terms ? double{*std::min_element(block.terms + first, block.terms + first + count)} : 0.0;
}

}  // namespace

void AdcScan::begin(SharedBars* bars, bool screened) {
    bars_ = bars;
    screened_ = screened;
    screens_.resize(tables_.num_queries());
    for (AdcScreen& screen : screens_) screen.forget();
}

void AdcScan::scan(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    if (tile.entries || tables_.of_nibbles()) return scan_together(block, queries, tile);
    for (const AdcQuery& query : queries) scan_together(block, {&query, 1}, {});
}

/// The least score that may still matter to the query; -infinity while it has fewer than k.
float AdcScan::needed(const AdcQuery& query) const {
    const float known = bars_ ? (*bars_)[query.query] : -std::numeric_limits<float>::infinity();
    return query.best->full() ? std::max(known, query.best->bar()) : known;
}

/// Codes to look at before the bars are looked up again.
std::size_t AdcScan::first_step(const CodeBlock& block, std::span<const AdcQuery> queries) const {
    const bool all_have_bars = std::all_of(queries.begin(), queries.end(), [&](const AdcQuery& query) {
        return needed(query) > -std::numeric_limits<float>::infinity();
    });
    return all_have_bars ? at_once(block) : codes_at_first;
}

/// What a code has to reach, in byte entries, to matter to the query at this place; and by shortfalls.
void AdcScan::set_bar(const AdcQuery& query, double least_term, std::size_t place, bool screened) {
    const float needed = this->needed(query);
    alone_ = {nullptr, nullptr, 0, 0, tables_.bytes(query.query), 0, 0};
    sums_[place] = 0;
    if (!(needed > -std::numeric_limits<float>::infinity())) return;
    // Adding the base rounded once, taking the term from it once more.
    const double without_term = double{needed} - 0x1p-23 * std::abs(double{needed}) + least_term;
    const double sum = without_term - 0x1p-23 * std::abs(without_term) - double{query.base} - 0x1p-149;
    alone_.bar = sums_[place] = tables_.bar(query.query, sum);
    if (!screened) return;
    AdcScreen& screen = screens_[query.query];
    if (!screen.pays()) return;
    alone_.limit = screen.limit(tables_, query.query, sum);
    alone_.shortfalls = screen.shortfalls(), alone_.order = screen.order().data();
    alone_.head = screen.head();
}

/// Scores the codes `rows`, which wait for the query, if they are enough.
void AdcScan::score(const CodeBlock& block, const AdcQuery& query, std::vector<std::uint32_t>& rows,
                    std::size_t enough) {
    if (rows.empty() || rows.size() < enough) return;
    if (block.allowed)
        std::erase_if(rows, [&](std::uint32_t row) { return block.allowed[block.index(row)] == 0; });
    scores_.resize(rows.size());
    tables_.score(query.query, block.codes, rows, scores_.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float score = scores_[i] + query.base;
        query.best->push({block.terms ? score - block.terms[rows[i]] : score, block.index(rows[i])});
    }
    if (bars_ && query.best->full()) bars_->raise(query.query, query.best->bar());
    rows.clear();
}

/// Appends to rows_ the codes first .. first + count that reach the bars.
void AdcScan::find(const CodeBlock& block, std::size_t first, std::size_t count,
                   std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    const auto& codes = block.codes;
    const auto append = [&](std::size_t q, std::size_t found) {
        for (std::size_t i = 0; i < found; ++i)
            rows_[q].push_back(static_cast<std::uint32_t>(first) + found_[i]);
    };
    if (tile.entries) {
        hits_.resize(codes_at_once);
        const std::size_t found = kernels_.adc_tile(tile.entries, sums_, tile.width, codes.row(first),
                                                    codes.stride, count, codes.cols, hits_.data());
        for (std::size_t h = 0; h < found; ++h)
            for (std::uint64_t bits = hits_[h].queries; bits; bits &= bits - 1)
                rows_[static_cast<std::size_t>(std::countr_zero(bits))].push_back(
                    static_cast<std::uint32_t>(first) + hits_[h].row);
    } else if (!tables_.has_bytes()) {
        std::iota(found_, found_ + count, std::uint32_t{0});
        for (std::size_t q = 0; q < queries.size(); ++q) append(q, count);
    } else if (tables_.of_nibbles() && queries.size() == 1) {
        turned_.reserve(kernels::nibble_group * tables_.nibble_bytes() / 16);
        const kernels::NibbleQuery query = {tables_.bytes(queries[0].query), sums_[0]};
        append(0, kernels_.adc_nibble_row(query, codes.row(first), codes.stride, count, codes.cols,
                                          turned_.data(), found_));
    } else if (tables_.of_nibbles()) {
        find_nibbles(block, first, count, queries);
    } else {
        turned_.reserve(64 * ceil_div(codes.cols, 16) * 16);
        append(0, kernels_.adc_row(alone_, codes.row(first), codes.stride, count, codes.cols, turned_.data(),
                                   found_));
        if (alone_.shortfalls && count >= codes_at_once) screens_[queries[0].query].adapt(alone_.left, count);
    }
}

void AdcScan::find_nibbles(const CodeBlock& block, std::size_t first, std::size_t count,
                           std::span<const AdcQuery> queries) {
    const auto& codes = block.codes;
    turned_.reserve(turned_at_once * tables_.nibble_bytes() / 16);
    kernels::NibbleQuery asked[AdcTables::max_tile];
    for (std::size_t q = 0; q < queries.size(); ++q) asked[q] = {tables_.bytes(queries[q].query), sums_[q]};
    nibble_hits_.resize(queries.size() * turned_at_once);
    for (std::size_t from = first, here = 0; from < first + count; from += here) {
        here = std::min(turned_at_once, first + count - from);
        kernels_.turn_nibbles(codes.row(from), codes.stride, here, codes.cols, turned_.data());
        const std::size_t found = kernels_.adc_nibbles(asked, queries.size(), turned_.data(), here,
                                                       codes.cols, nibble_hits_.data());
        for (std::size_t h = 0; h < found; ++h)
            rows_[nibble_hits_[h].query].push_back(static_cast<std::uint32_t>(from) + nibble_hits_[h].row);
    }
}

void AdcScan::scan_together(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    std::size_t step = first_step(block, queries);
    const bool screened = screened_ && !tile.entries && tables_.has_bytes() && !tables_.of_nibbles();
    std::fill_n(sums_, AdcTables::max_tile, std::uint16_t{65535});
    for (std::size_t first = 0, count = 0; first < block.codes.rows; first += count) {
        count = std::min(step, block.codes.rows - first);
        step = std::min(2 * step, at_once(block));
        const double term = least_term(block, first, count);
        for (std::size_t q = 0; q < queries.size(); ++q) set_bar(queries[q], term, q, screened);
        find(block, first, count, queries, tile);
        // One query after another, for its float tables; so many codes that they come into the cache once.
        for (std::size_t q = 0; q < queries.size(); ++q)
            score(block, queries[q], rows_[q], sums_[q] > 0 ? queries[q].best->capacity() / 2 + 8 : 1);
    }
    for (std::size_t q = 0; q < queries.size(); ++q) score(block, queries[q], rows_[q], 1);
}

}  // namespace hcbir
