#include "adc_scan.hpp"

#include <algorithm>
#include <bit>

namespace hcbir {
namespace {

constexpr std::size_t codes_at_once = 1024;  // then the bars are looked up again

}  // namespace

void AdcScan::scan(const CodeBlock& block, std::span<const AdcQuery> queries) {
    if (queries.empty()) return;
    // A tile's queries are its first ones, in their order.
    const std::uint8_t* tile = queries.size() >= AdcTables::worth_a_tile &&
                                       queries.size() <= AdcTables::max_tile &&
                                       queries.back().query == queries.front().query + queries.size() - 1
                                   ? tables_.tile(queries.front().query)
                                   : nullptr;
    if (tile) return scan_tile(block, queries, tile);
    for (const AdcQuery& query : queries) scan_one(block, query);
}

/// The least sum of byte entries that may still matter to the query.
std::uint16_t AdcScan::bar(const AdcQuery& query) const {
    float needed = bars_ ? (*bars_)[query.query] : -std::numeric_limits<float>::infinity();
    if (query.best->full()) needed = std::max(needed, query.best->bar());
    if (!(needed > -std::numeric_limits<float>::infinity())) return 0;
    // Adding the base rounded once.
    const double slack = 0x1p-23 * std::abs(double{query.base});
    return tables_.bar(query.query,
                       double{needed} - 0x1p-23 * std::abs(double{needed}) - double{query.base} - slack);
}

void AdcScan::score(const CodeBlock& block, std::size_t i, const AdcQuery& query) {
    const std::int64_t index = block.index(i);
    if (block.allowed && block.allowed[index] == 0) return;
    const float adc = adc_score(tables_.floats(query.query), block.codes.row(i), tables_.code_size());
    query.best->push({adc + query.base, index});
}

void AdcScan::scan_tile(const CodeBlock& block, std::span<const AdcQuery> queries, const std::uint8_t* tile) {
    const auto& codes = block.codes;
    hits_.resize(codes_at_once);
    std::uint16_t bars[AdcTables::max_tile];
    std::fill_n(bars, AdcTables::max_tile, std::uint16_t{65535});
    for (std::size_t first = 0; first < codes.rows; first += codes_at_once) {
        const std::size_t count = std::min(codes_at_once, codes.rows - first);
        for (std::size_t q = 0; q < queries.size(); ++q) bars[q] = bar(queries[q]);
        const std::size_t found =
            kernels_.adc_tile(tile, bars, tables_.tile_width(queries.front().query), codes.row(first),
                              codes.stride, count, codes.cols, hits_.data());
        for (std::size_t h = 0; h < found; ++h)
            for (std::uint64_t bits = hits_[h].queries; bits; bits &= bits - 1)
                score(block, first + hits_[h].row, queries[static_cast<std::size_t>(std::countr_zero(bits))]);
        if (bars_ && found > 0)
            for (const AdcQuery& query : queries)
                if (query.best->full()) bars_->raise(query.query, query.best->bar());
    }
}

void AdcScan::scan_one(const CodeBlock& block, const AdcQuery& query) {
    const auto& codes = block.codes;
    if (!tables_.has_bytes()) {
        for (std::size_t i = 0; i < codes.rows; ++i) score(block, i, query);
        return;
    }
    rows_.resize(codes_at_once);
    for (std::size_t first = 0; first < codes.rows; first += codes_at_once) {
        const std::size_t count = std::min(codes_at_once, codes.rows - first);
        const std::size_t found =
            kernels_.adc_row(tables_.bytes(query.query), tables_.nibbles(query.query), bar(query),
                             codes.row(first), codes.stride, count, codes.cols, rows_.data());
        for (std::size_t h = 0; h < found; ++h) score(block, first + rows_[h], query);
        if (bars_ && found > 0 && query.best->full()) bars_->raise(query.query, query.best->bar());
    }
}

}  // namespace hcbir
