// What tells by few bytes of a code that it cannot reach a score.
#pragma once

#include <cstdint>
#include <vector>

#include "adc_tables.hpp"
#include "aligned.hpp"

namespace hcbir {

/// Of one query of codes of bytes: what each table entry lacks of its table's largest, in bytes, rounded
/// down, tables with much to lack first. Once the sum over some of a code's bytes is above the limit, no
/// other bytes can mend it.
class AdcScreen {
public:
    /// As if not made: for another query.
    void forget() { per_unit_ = 0, paid_ = true; }

    /// Whether to screen what comes next: not, but for a try now and then, while many are left by all.
    bool pays();

    /// The most that shortfalls of a code that scores `score` or more may sum to; makes the tables if there
    /// are none, or if they are too coarse for it.
    std::uint8_t limit(const AdcTables& tables, std::size_t q, double score);

    /// The table of place p, of 256 bytes, is that of byte order()[p].
    const std::uint8_t* shortfalls() const { return shortfalls_.data(); }
    const std::vector<std::uint32_t>& order() const { return order_; }

    /// Tables to look at before it is asked whether any code is left.
    std::size_t head() const { return head_; }
    /// After `count` codes, of which some were left by the head: makes it longer or shorter.
    void adapt(std::size_t left, std::size_t count);
    /// The same where as many tables are looked at as leave few, if any do.
    void note(bool paid) { paid_ = paid; }

private:
    void make(const AdcTables& tables, std::size_t q);

    double per_unit_ = 0;
    AlignedBuffer<std::uint8_t> shortfalls_, scratch_;
    std::vector<std::uint32_t> order_;
    std::size_t head_ = 0, skipped_ = 0;
    bool paid_ = true;
};

}  // namespace hcbir
