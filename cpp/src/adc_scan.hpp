// Codes against the look-up tables of queries, into each query's k best.
#pragma once

#include <span>

#include "adc_tables.hpp"
#include "topk.hpp"

namespace hcbir {

/// A block of codes.
struct CodeBlock {
    MatrixView<const std::uint8_t> codes;
    std::int64_t first = 0;                 // index of the first code, the others follow,
    const std::int64_t* ids = nullptr;      // unless here are their indices
    const std::uint8_t* allowed = nullptr;  // a flag an index; null: all may be found

    std::int64_t index(std::size_t i) const { return ids ? ids[i] : first + static_cast<std::int64_t>(i); }
};

/// A query that meets a block.
struct AdcQuery {
    std::size_t query;  // of those whose tables are loaded
    float base;         // added to the score of every code of the block
    TopK* best;         // takes the candidates: score adc_score + base, and index
};

/// One worker's scan.
class AdcScan {
public:
    explicit AdcScan(const AdcTables& tables) : tables_(tables) {}

    void scan(const CodeBlock& block, std::span<const AdcQuery> queries);

private:
    const AdcTables& tables_;
};

}  // namespace hcbir
