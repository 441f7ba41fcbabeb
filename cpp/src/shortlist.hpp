// Rows of which only bounds are known, cut down to those that may be among the k best.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace hcbir {

class Shortlist {
public:
    struct Entry {
        float lower, upper;  // of the row's key
        std::int64_t row;
        bool refined;  // bounds are as tight as float arithmetic gives
    };

    explicit Shortlist(std::size_t k) : k_(k) {}

    /// Entries at which it is time to prune at first: room enough that pruning costs little an entry.
    static std::size_t capacity(std::size_t k) { return 2 * k + 64; }
    /// Entries that are too many to go on with: their bounds do not tell the best from the rest.
    static std::size_t limit(std::size_t k) { return 64 * k + 512; }

    bool full() const { return entries_.size() >= capacity_; }
    bool too_long() const { return 2 * entries_.size() > limit(k_); }
    /// A key that k rows at least are known to reach.
    float bar() const { return bar_; }
    const std::vector<Entry>& entries() const { return entries_; }

    void add(const Entry& entry) { entries_.push_back(entry); }

    template <class Entries>
    void add_all(const Entries& entries) {
        entries_.insert(entries_.end(), entries.begin(), entries.end());
    }

    /// Raises the bar to the k-th largest lower bound, or to what is known from elsewhere, and drops what
    /// cannot reach it.
    void prune(float known = -std::numeric_limits<float>::infinity()) {
        bar_ = std::max(bar_, known);
        std::erase_if(entries_, [this](const Entry& e) { return e.upper < bar_; });
        raise_bar();
        capacity_ = std::max(capacity(k_), 2 * entries_.size());
    }

    /// Replaces the bounds of those that are not refined by bounds(row).
    template <class Bounds>
    std::size_t refine(Bounds bounds) {
        std::size_t count = 0;
        for (Entry& entry : entries_)
            if (!entry.refined) {
                const auto [lower, upper] = bounds(entry.row);
                entry = {std::max(lower, entry.lower), std::min(upper, entry.upper), entry.row, true};
                ++count;
            }
        return count;
    }

    /// Forgets the first `count` entries, which after pruning are those with the largest lower bounds.
    void drop_first(std::size_t count) {
        const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries_.size()));
        entries_.erase(entries_.begin(), end);
    }

    /// Forgets the entries; the bar stays, for whoever has taken them over.
    void clear_entries() { entries_.clear(); }

private:
    void raise_bar() {
        if (entries_.size() < k_) return;
        const auto kth = entries_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
        std::nth_element(entries_.begin(), kth, entries_.end(),
                         [](const Entry& a, const Entry& b) { return a.lower > b.lower; });
        bar_ = std::max(bar_, kth->lower);
        std::erase_if(entries_, [this](const Entry& e) { return e.upper < bar_; });
    }

    std::size_t k_, capacity_ = capacity(k_);
    float bar_ = -std::numeric_limits<float>::infinity();
    std::vector<Entry> entries_;
};

}  // namespace hcbir
