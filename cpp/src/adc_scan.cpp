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
constexpr std::size_t one_left_of = 512;     // packed codes: then each is looked at
constexpr std::size_t one_left_pays = 64;    // but the screen paid from here on
constexpr std::size_t fetched_ahead = 8;     // of those: their lines fit into the L1

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

/// The most codes, from `first` on, to look at before the bars are looked up again. One query reads packed
/// codes by columns, which should be long.
std::size_t AdcScan::at_once(const CodeBlock& block, std::size_t first, AdcTables::Tile tile) const {
    if (block.terms) return terms_at_once;
    if (!block.packed || tile.entries) return codes_at_once;
    return PackedCodes::block - (static_cast<std::size_t>(block.first) + first) % PackedCodes::block;
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

/// Scores the codes that wait for the query, if they are enough.
void AdcScan::score(const CodeBlock& block, const AdcQuery& query, Waiting& waiting, std::size_t enough) {
    auto& [rows, bytes] = waiting;
    if (rows.empty() || rows.size() < enough) return;
    scores_.resize(rows.size());
    if (block.packed) {
        found_.resize(std::max(found_.size(), rows.size()));
        std::iota(found_.begin(), found_.end(), std::uint32_t{0});
        const std::size_t size = tables_.code_size();
        tables_.score(query.query, {bytes.data(), rows.size(), size}, {found_.data(), rows.size()},
                      scores_.data());
    } else {
        tables_.score(query.query, block.codes, rows, scores_.data());
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float score = scores_[i] + query.base;
        query.best->push({block.terms ? score - block.terms[rows[i]] : score, block.index(rows[i])});
    }
    if (bars_ && query.best->full()) bars_->raise(query.query, query.best->bar());
    rows.clear(), bytes.clear();
}

/// A row that may matter to a query waits to be scored. code: its bytes, if codes are packed; null: not read
/// yet.
void AdcScan::keep(const CodeBlock& block, std::size_t place, std::size_t row, const std::uint8_t* code) {
    if (block.allowed && !block.allowed[block.index(row)]) return;
    auto& [rows, bytes] = waiting_[place];
    rows.push_back(static_cast<std::uint32_t>(row));
    if (!block.packed) return;
    const std::size_t size = tables_.code_size();
    bytes.resize(bytes.size() + size);
    std::uint8_t* to = bytes.data() + bytes.size() - size;
    if (code)
        std::copy_n(code, size, to);
    else
        block.packed->read(static_cast<std::size_t>(block.first) + row, to);
}

/// Keeps the codes first .. first + count that reach the bars.
void AdcScan::find(const CodeBlock& block, std::size_t first, std::size_t count,
                   std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    if (tile.entries) return find_in_tile(block, first, count, tile);
    if (!tables_.has_bytes()) {
        for (std::size_t q = 0; q < queries.size(); ++q)
            for (std::size_t row = first; row < first + count; ++row) keep(block, q, row, nullptr);
    } else if (queries.size() > 1) {
        find_nibbles(block, first, count, queries);
    } else if (block.packed) {
        find_in_columns(block, first, count, queries[0]);
    } else {
        found_.resize(std::max(found_.size(), count));
        const std::size_t found = find_alone(block, first, count, queries[0]);
        for (std::size_t i = 0; i < found; ++i) keep(block, 0, first + found_[i], nullptr);
    }
}

void AdcScan::find_in_tile(const CodeBlock& block, std::size_t first, std::size_t count,
                           AdcTables::Tile tile) {
    auto codes = block.codes;
    if (block.packed) {
        turned_.reserve(PackedCodes::row_bytes(codes.cols) * codes_at_once);
        codes = block.packed->rows_of(static_cast<std::size_t>(block.first) + first, count, turned_.data());
    } else {
        codes.data = codes.row(first);
    }
    hits_.resize(codes_at_once);
    const std::size_t found = kernels_.adc_tile(tile.entries, sums_, tile.width, codes.data, codes.stride,
                                                count, codes.cols, hits_.data());
    for (std::size_t h = 0; h < found; ++h)
        for (std::uint64_t bits = hits_[h].queries; bits; bits &= bits - 1)
            keep(block, static_cast<std::size_t>(std::countr_zero(bits)), first + hits_[h].row,
                 codes.row(hits_[h].row));
}

/// The codes that one query finds, into found_, counted from `first`; returns how many.
std::size_t AdcScan::find_alone(const CodeBlock& block, std::size_t first, std::size_t count,
                                const AdcQuery& query) {
    const auto& codes = block.codes;
    if (tables_.of_nibbles()) {
        turned_.reserve(kernels::nibble_group * tables_.nibble_bytes() / 16);
        const kernels::NibbleQuery asked = {tables_.bytes(query.query), sums_[0]};
        return kernels_.adc_nibble_row(asked, codes.row(first), codes.stride, count, codes.cols,
                                       turned_.data(), found_.data());
    }
    turned_.reserve(64 * ceil_div(codes.cols, 16) * 16);
    const std::size_t found = kernels_.adc_row(alone_, codes.row(first), codes.stride, count, codes.cols,
                                               turned_.data(), found_.data());
    if (alone_.shortfalls && count >= codes_at_once) screens_[query.query].adapt(alone_.left, count);
    return found;
}

/// By columns what one query finds: few codes are left by their shortfalls, and all bytes of those are read.
void AdcScan::find_in_columns(const CodeBlock& block, std::size_t first, std::size_t count,
                              const AdcQuery& query) {
    const std::size_t place = static_cast<std::size_t>(block.first) + first;
    const std::size_t whole = ceil_div(count, PackedCodes::group) * PackedCodes::group;
    const kernels::CodeColumns codes = {block.packed->column(place), block.packed->pitch(place), whole,
                                        tables_.code_size()};
    found_.resize(std::max(found_.size(), whole));
    std::size_t left = 0;
    if (alone_.shortfalls) {
        const std::size_t few = whole / one_left_of;
        sums_of_codes_.reserve(PackedCodes::block);
        left = kernels_.screen_columns(alone_, codes, few, sums_of_codes_.data(), found_.data());
        screens_[query.query].note(left <= whole / one_left_pays);
    } else {
        left = kernels_.sum_columns(alone_.entries, sums_[0], codes, found_.data());
    }
    std::vector<std::uint8_t> code(codes.code_size);
    for (std::size_t i = 0; i < std::min(left, fetched_ahead); ++i) block.packed->fetch(place + found_[i]);
    for (std::size_t i = 0; i < left && found_[i] < count; ++i) {
        if (i + fetched_ahead < left) block.packed->fetch(place + found_[i + fetched_ahead]);
        block.packed->read(place + found_[i], code.data());
        std::uint32_t sum = 0;
        for (std::size_t b = 0; b < codes.code_size; ++b) sum += alone_.entries[b * byte_values + code[b]];
        if (sum >= sums_[0]) keep(block, 0, first + found_[i], code.data());
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
            keep(block, nibble_hits_[h].query, from + nibble_hits_[h].row, nullptr);
    }
}

void AdcScan::scan_together(const CodeBlock& block, std::span<const AdcQuery> queries, AdcTables::Tile tile) {
    std::size_t step = codes_at_first;
    if (std::all_of(queries.begin(), queries.end(), [&](const AdcQuery& query) {
            return needed(query) > -std::numeric_limits<float>::infinity();
        }))
        step = block.codes.rows;
    const bool screened = screened_ && !tile.entries && tables_.has_bytes() && !tables_.of_nibbles();
    std::fill_n(sums_, AdcTables::max_tile, std::uint16_t{65535});
    for (std::size_t first = 0, count = 0; first < block.codes.rows; first += count) {
        count = std::min({step, at_once(block, first, tile), block.codes.rows - first});
        step = std::min(2 * step, block.codes.rows);
        const double term = least_term(block, first, count);
        for (std::size_t q = 0; q < queries.size(); ++q)
            set_bar(queries[q], term, q, screened && (!block.packed || count >= codes_at_once));
        find(block, first, count, queries, tile);
        // One query after another, for its float tables; so many codes that they come into the cache once.
        for (std::size_t q = 0; q < queries.size(); ++q)
            score(block, queries[q], waiting_[q], sums_[q] > 0 ? queries[q].best->capacity() / 2 + 8 : 1);
    }
    for (std::size_t q = 0; q < queries.size(); ++q) score(block, queries[q], waiting_[q], 1);
}

}  // namespace hcbir
