#include "adc_scan.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace hcbir {
namespace {

// Then the bars are looked up again; where codes have terms, for the least of them.
constexpr std::size_t codes_at_once = 1024;
constexpr std::size_t terms_at_once = 128;
constexpr std::size_t codes_at_first = 64;  // twice as many each time: what meets no bar is scored in float

std::size_t at_once(const CodeBlock& block) { return block.terms ? terms_at_once : codes_at_once; }

double least_term(const CodeBlock& block, std::size_t first, std::size_t count) {
    return block.terms ? double{*std::min_element(block.terms + first, block.terms + first + count)} : 0.0;
}

}  // namespace

void AdcScan::scan(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    if (tile.entries) return scan_tile(block, queries, tile);
    for (const AdcQuery& query : queries) scan_one(block, query);
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

/// The least sum of byte entries that may still matter to the query.
std::uint16_t AdcScan::bar(const AdcQuery& query, double least_term) const {
    const float needed = this->needed(query);
    if (!(needed > -std::numeric_limits<float>::infinity())) return 0;
    // Adding the base rounded once, taking the term from it once more.
    const double without_term = double{needed} - 0x1p-23 * std::abs(double{needed}) + least_term;
    return tables_.bar(query.query,
                       without_term - 0x1p-23 * std::abs(without_term) - double{query.base} - 0x1p-149);
}

/// Takes up the block's codes first + rows[..], and forgets the rows.
void AdcScan::score(const CodeBlock& block, std::size_t first, const AdcQuery& query,
                    std::vector<std::uint32_t>& rows) {
    const float* tables = tables_.floats(query.query);
    for (const std::uint32_t row : rows) {
        const std::int64_t index = block.index(first + row);
        if (block.allowed && block.allowed[index] == 0) continue;
        const float score = adc_score(tables, block.codes.row(first + row), tables_.code_size()) + query.base;
        query.best->push({block.terms ? score - block.terms[first + row] : score, index});
    }
    if (bars_ && !rows.empty() && query.best->full()) bars_->raise(query.query, query.best->bar());
    rows.clear();
}

void AdcScan::scan_tile(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    const auto& codes = block.codes;
    std::size_t step = first_step(block, queries);
    hits_.resize(codes_at_once);
    std::uint16_t bars[AdcTables::max_tile];
    std::fill_n(bars, AdcTables::max_tile, std::uint16_t{65535});
    for (std::size_t first = 0, count = 0; first < codes.rows; first += count) {
        count = std::min(step, codes.rows - first);
        step = std::min(2 * step, at_once(block));
        const double term = least_term(block, first, count);
        for (std::size_t q = 0; q < queries.size(); ++q) bars[q] = bar(queries[q], term);
        const std::size_t found = kernels_.adc_tile(tile.entries, bars, tile.width, codes.row(first),
                                                    codes.stride, count, codes.cols, hits_.data());
        // One query after another, so that its float tables are at hand.
        for (std::size_t h = 0; h < found; ++h)
            for (std::uint64_t bits = hits_[h].queries; bits; bits &= bits - 1)
                rows_[static_cast<std::size_t>(std::countr_zero(bits))].push_back(hits_[h].row);
        for (std::size_t q = 0; found > 0 && q < queries.size(); ++q)
            score(block, first, queries[q], rows_[q]);
    }
}

void AdcScan::scan_one(const CodeBlock& block, const AdcQuery& query) {
    const auto& codes = block.codes;
    std::size_t step = first_step(block, {&query, 1});
    for (std::size_t first = 0, count = 0; first < codes.rows; first += count) {
        count = std::min(step, codes.rows - first);
        step = std::min(2 * step, at_once(block));
        rows_[0].resize(count);
        if (!tables_.has_bytes())
            std::iota(rows_[0].begin(), rows_[0].end(), std::uint32_t{0});
        else
            rows_[0].resize(kernels_.adc_row(tables_.bytes(query.query), tables_.nibbles(query.query),
                                             bar(query, least_term(block, first, count)), codes.row(first),
                                             codes.stride, count, codes.cols, rows_[0].data()));
        score(block, first, query, rows_[0]);
    }
}

}  // namespace hcbir
