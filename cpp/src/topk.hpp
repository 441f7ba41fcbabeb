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

    std::size_t capacity() const { return k_; }
    bool full() const { return best_.size() == k_; }
    /// The worst score held, once full.
    float bar() const { return best_.front().score; }

    void push(Candidate candidate) {
        if (!full()) {
            best_.push_back(candidate);
            if (full()) std::make_heap(best_.begin(), best_.end());
        } else if (candidate < best_.front()) {
            std::pop_heap(best_.begin(), best_.end());
            best_.back() = candidate;
            std::push_heap(best_.begin(), best_.end());
        }
    }

    void push(const TopK& other) {
        for (const Candidate& candidate : other.best_) push(candidate);
    }

    /// Best first; leaves nothing behind.
    std::vector<Candidate> sorted() {
        std::sort(best_.begin(), best_.end());
        return std::move(best_);
    }

    bool empty() const { return best_.empty(); }

private:
    std::size_t k_;
    std::vector<Candidate> best_;  // once full a heap, where "less" means better: the front is the worst
};

}  // namespace hcbir
