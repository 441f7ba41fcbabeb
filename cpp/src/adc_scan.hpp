// Codes against the look-up tables of queries, into each query's k best.
#pragma once

#include <span>
#include <vector>

#include "adc_tables.hpp"
#include "kernels/dispatch.hpp"
#include "shared_bars.hpp"
#include "topk.hpp"

namespace hcbir {

/// A block of codes.
struct CodeBlock {
    MatrixView<const std::uint8_t> codes;
    std::int64_t first = 0;                 // index of the first code, the others follow,
    const std::int64_t* ids = nullptr;      // unless here are their indices
    const float* terms = nullptr;           // what is taken from each code's score; null: nothing
    const std::uint8_t* allowed = nullptr;  // a flag an index; null: all may be found

    std::int64_t index(std::size_t i) const { return ids ? ids[i] : first + static_cast<std::int64_t>(i); }
};

/// A query that meets a block.
struct AdcQuery {
    std::size_t query;  // of those whose tables are loaded
    float base;         // added to the score of every code of the block
    TopK* best;         // takes the candidates: score (adc_score + base) - term, in float, and index
};

/// One worker's scan: sums of byte entries leave out what cannot be among a query's k best, the rest is
/// scored in float. So the k best are those of all scores, whatever was scanned before.
class AdcScan {
public:
    /// bars: of the tables' queries, what other workers' k best are known to reach; may be null.
    explicit AdcScan(const AdcTables& tables, SharedBars* bars = nullptr) : tables_(tables), bars_(bars) {}

    /// tile: of the queries, in their order, if there is one.
    void scan(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile = {});

private:
    void scan_tile(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile);
    void scan_one(const CodeBlock& block, const AdcQuery& query);
    float needed(const AdcQuery& query) const;
    std::size_t first_step(const CodeBlock& block, std::span<const AdcQuery> queries) const;
    std::uint16_t bar(const AdcQuery& query, double least_term) const;
    void score(const CodeBlock& block, std::size_t first, const AdcQuery& query,
               std::vector<std::uint32_t>& rows);

    const kernels::Table& kernels_ = kernels::active();
    const AdcTables& tables_;
    SharedBars* bars_;
    std::vector<kernels::AdcHit> hits_;
    std::vector<std::uint32_t> rows_[AdcTables::max_tile];  // of each query: what is to be scored
};

}  // namespace hcbir
