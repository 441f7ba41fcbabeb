// Rows of which only bounds are known, cut down to those that may be among the k best.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace hcbir {

class Shortlist {
public:
    class Entry {
    public:
        float lower, upper;  // of the row's key

        Entry(float lower_, float upper_, std::uint64_t row, bool refined)
            : lower(lower_), upper(upper_), row_and_refined_(row << 1 | std::uint64_t{refined}) {}
        std::uint64_t row() const { return row_and_refined_ >> 1; }
        /// Whether the bounds are as tight as float arithmetic gives.
        bool refined() const { return (row_and_refined_ & 1) != 0; }

    private:
        // no bit-fields, which would read the memory that they are written to
        std::uint64_t row_and_refined_;
    };
    using Scratch = std::vector<float>;

    explicit Shortlist(std::size_t k) : k_(k) {}

    /// Entries at which it is time to prune at first: room enough that pruning costs little an entry.
    static std::size_t capacity(std::size_t k) { return 2 * k + 64; }
    /// Entries that are too many to go on with: their bounds do not tell the best from the rest.
    static std::size_t limit(std::size_t k) { return 64 * k + 512; }

    bool full() const { return entries_.size() >= capacity_; }
    bool too_long() const { return 2 * entries_.size() > limit(k_); }
    /// A key that k rows at least are known to reach.
    float bar() const { return bar_; }
    std::span<const Entry> entries() const { return entries_; }

    void add(const Entry& entry) { entries_.push_back(entry); }

    /// Takes over another's entries.
    void join(Shortlist& other) {
        if (entries_.empty())
            entries_.swap(other.entries_);
        else
            entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end());
        other.entries_.clear();
    }

    /// Raises the bar to the k-th largest lower bound, or to what is known from elsewhere, and drops what
    /// cannot reach it.
    void prune(Scratch& scratch, float known = -std::numeric_limits<float>::infinity()) {
        bar_ = std::max(bar_, known);
        drop_below_bar();
        if (entries_.size() >= k_) raise_bar(scratch);
        capacity_ = std::max(capacity(k_), 3 * entries_.size());
    }

    /// Replaces the bounds of those that are not refined by bounds(row).
    template <class Bounds>
    void refine(Bounds bounds) {
        for (Entry& entry : entries_)
            if (!entry.refined()) {
                const auto [lower, upper] = bounds(entry.row());
                entry = {std::max(lower, entry.lower), std::min(upper, entry.upper), entry.row(), true};
            }
    }

    /// Narrows the bounds of each entry in turn by bounds(entry).
    template <class Bounds>
    void tighten(Bounds bounds) {
        for (Entry& entry : entries_) {
            const auto [lower, upper] = bounds(std::as_const(entry));
            entry.lower = std::max(lower, entry.lower), entry.upper = std::min(upper, entry.upper);
        }
    }

    /// Removes the k entries with the largest lower bounds, or all, and returns them; drops what cannot reach
    /// the last of them, or `known`.
    std::vector<Entry> take_best(float known) {
        bar_ = std::max(bar_, known);
        const auto count = static_cast<std::ptrdiff_t>(std::min(k_, entries_.size()));
        const auto end = entries_.begin() + count;
        if (end != entries_.end()) {
            std::nth_element(entries_.begin(), end - 1, entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.lower > b.lower; });
            bar_ = std::max(bar_, (end - 1)->lower);
        }
        std::vector<Entry> best(entries_.begin(), end);
        entries_.erase(entries_.begin(), end);
        drop_below_bar();
        return best;
    }

    /// Forgets the entries; the bar stays, for whoever has taken them over.
    void clear_entries() { entries_.clear(); }

private:
    void drop_below_bar() {
        std::erase_if(entries_, [this](const Entry& e) { return e.upper < bar_; });
    }

    void raise_bar(Scratch& lowers) {
        lowers.clear();
        for (const Entry& entry : entries_)
            if (entry.lower > bar_) lowers.push_back(entry.lower);
        if (lowers.size() < k_) return;
        const auto kth = lowers.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
        std::nth_element(lowers.begin(), kth, lowers.end(), std::greater<>());
        bar_ = *kth;
        drop_below_bar();
    }

    std::size_t k_, capacity_ = capacity(k_);
    float bar_ = -std::numeric_limits<float>::infinity();
    std::vector<Entry> entries_;
};

}  // namespace hcbir
