// The k best of a stream of scored rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace hcbir {

struct Candidate {
    float score;
    std::int64_t index;

    /// The order of every result: descending score, ascending index.
    friend bool operator<(const Candidate& a, const Candidate& b) {
        return a.score > b.score || (a.score == b.score && a.index < b.index);
    }
};

/// Holds the k best candidates pushed, in no order; the worst of them is the bar for the next.
class TopK {
public:
    explicit TopK(std::size_t k) : k_(k) {}

    bool full() const { return heap_.size() == k_; }
    /// The worst score held.
    float bar() const { return heap_.front().score; }

    void push(Candidate candidate) {
        if (!full()) {
            heap_.push_back(candidate);
            std::push_heap(heap_.begin(), heap_.end());
        } else if (candidate < heap_.front()) {
            std::pop_heap(heap_.begin(), heap_.end());
            heap_.back() = candidate;
            std::push_heap(heap_.begin(), heap_.end());
        }
    }

    /// Best first; leaves nothing behind.
    std::vector<Candidate> sorted() {
        std::sort_heap(heap_.begin(), heap_.end());
        return std::move(heap_);
    }

    const std::vector<Candidate>& candidates() const { return heap_; }

private:
    std::size_t k_;
    std::vector<Candidate> heap_;  // "less" means better, so the front is the worst
};

}  // namespace hcbir
