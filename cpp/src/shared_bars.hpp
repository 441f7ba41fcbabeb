// What each of a group of queries is known to reach, by any worker.
#pragma once

#include <atomic>
#include <limits>
#include <vector>

namespace hcbir {

/// For each query of a group a key that k rows are known to reach, found by any worker.
class SharedBars {
public:
    explicit SharedBars(std::size_t group) : bars_(group) { clear(); }

    void clear() {
        for (auto& bar : bars_) bar.store(-std::numeric_limits<float>::infinity(), std::memory_order_relaxed);
    }
    float operator[](std::size_t q) const { return bars_[q].load(std::memory_order_relaxed); }
    void raise(std::size_t q, float bar) {
        float known = (*this)[q];
        while (known < bar && !bars_[q].compare_exchange_weak(known, bar, std::memory_order_relaxed)) {
        }
    }

private:
    std::vector<std::atomic<float>> bars_;
};

}  // namespace hcbir
