// Codes against the look-up tables of queries, into each query's k best.
#pragma once

#include <span>
#include <vector>

#include "adc_screen.hpp"
#include "adc_tables.hpp"
#include "hcbir/packed_codes.hpp"
#include "kernels/dispatch.hpp"
#include "shared_bars.hpp"
#include "topk.hpp"

namespace hcbir {

/// A block of codes.
struct CodeBlock {
    /// Their bytes; of packed codes nothing but the shape.
    MatrixView<const std::uint8_t> codes;
    /// Null, or the codes that these are part of: those from `first` on, a multiple of a group.
    const PackedCodes* packed = nullptr;
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
    TopK* best;         // takes the candidates: score (AdcTables::score + base) - term, in float, and index
};

/// One worker's scan: sums of byte entries leave out what cannot be among a query's k best, the rest is
/// scored in float. So the k best are those of all scores, whatever was scanned before.
class AdcScan {
public:
    explicit AdcScan(const AdcTables& tables) : tables_(tables) {}

    /// Another search: of queries now loaded. bars: scores below which no code matters to them, as other
    /// workers' k best say. screened: whether queries meet enough codes for shortfalls to pay (AdcScreen).
    void begin(SharedBars* bars, bool screened);

    static constexpr std::size_t codes_at_once = 1024;  // then the bars are looked up again

    /// tile: of the queries, in their order, if there is one; at most max_tile queries. A block has fewer
    /// than 2^32 codes.
    void scan(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile = {});

private:
    /// What is to be scored for a query: rows of the block, with their bytes if codes are packed.
    struct Waiting {
        std::vector<std::uint32_t> rows;
        std::vector<std::uint8_t> codes;
    };

    void scan_together(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile);
    void find(const CodeBlock& block, std::size_t first, std::size_t count, std::span<const AdcQuery> queries,
              AdcTables::Tile tile);
    void find_in_tile(const CodeBlock& block, std::size_t first, std::size_t count, AdcTables::Tile tile);
    void find_nibbles(const CodeBlock& block, std::size_t first, std::size_t count,
                      std::span<const AdcQuery> queries);
    std::size_t find_alone(const CodeBlock& block, std::size_t first, std::size_t count,
                           const AdcQuery& query);
    void find_in_columns(const CodeBlock& block, std::size_t first, std::size_t count, const AdcQuery& query);
    void keep(const CodeBlock& block, std::size_t place, std::size_t row, const std::uint8_t* code);
    std::size_t at_once(const CodeBlock& block, std::size_t first, AdcTables::Tile tile) const;
    float needed(const AdcQuery& query) const;
    void set_bar(const AdcQuery& query, double least_term, std::size_t place, bool screened);
    void score(const CodeBlock& block, const AdcQuery& query, Waiting& waiting, std::size_t enough);

    const kernels::Table& kernels_ = kernels::active();
    const AdcTables& tables_;
    SharedBars* bars_ = nullptr;
    bool screened_ = false;
    std::vector<AdcScreen> screens_;  // of the tables' queries
    // Of the queries that meet a block:
    std::uint16_t sums_[AdcTables::max_tile];  // the least sums of byte entries that may still matter
    kernels::ScreenedQuery alone_;             // unless there is a tile, or codes are of 4 bits
    Waiting waiting_[AdcTables::max_tile];
    std::vector<float> scores_;
    // What a kernel finds:
    std::vector<kernels::AdcHit> hits_;
    std::vector<kernels::NibbleHit> nibble_hits_;
    std::vector<std::uint32_t> found_;
    AlignedBuffer<std::uint8_t> turned_, sums_of_codes_;
};

}  // namespace hcbir
