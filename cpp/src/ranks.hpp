// The order of a query's result.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/dispatch.hpp"
#include "panels.hpp"
#include "radix_sort.hpp"

namespace hcbir {

/// Puts scores, given in ascending order of rows, into the order of the result.
class Ranks {
public:
    explicit Ranks(const kernels::Table& kernels) : kernels_(kernels) {}

    /// put(rank, which) for the k best of `count`.
    template <class Put>
    void operator()(std::vector<float>& scores, std::size_t k, Put put) {
        const std::size_t count = scores.size();
        if (count > most_counted) {
            const auto& sorted = radix_.sort(scores);
            for (std::size_t rank = 0; rank < k; ++rank) put(rank, sorted[rank].row);
            return;
        }
        const std::size_t padded = ceil_div(count, kernels::counted_at_once) * kernels::counted_at_once;
        ordered_.resize(padded), scores.resize(padded);
        kernels_.order_scores(scores.data(), padded, ordered_.data());
        std::fill(ordered_.begin() + static_cast<std::ptrdiff_t>(count), ordered_.end(),
                  std::numeric_limits<std::int32_t>::min());
        larger_.assign(count, 0), equal_.assign(count, 0);
        kernels_.count_above(ordered_.data(), padded, ordered_.data(), count, larger_.data());
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t rank = larger_[i] + equal_[larger_[i]]++;
            if (rank < k) put(rank, i);
        }
    }

private:
    static constexpr std::size_t most_counted = 512;  // that are ordered by counting, not by sorting

    const kernels::Table& kernels_;
    std::vector<std::int32_t> ordered_;
    std::vector<std::uint32_t> larger_, equal_;  // scores above each; of the same score, met so far
    RadixSort radix_;
};

}  // namespace hcbir
