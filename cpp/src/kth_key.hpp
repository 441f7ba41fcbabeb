// Where the k best of many keys begin.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "aligned.hpp"
#include "search_problem.hpp"

namespace hcbir {

/// A key that the k largest of n finite keys reach: of those with the k-th, or a little below.
class KthKey {
public:
    float operator()(const float* keys, std::size_t n, std::size_t k) {
        const std::size_t count = gather(keys, n, k);
        const auto [lowest, highest] = range(largest_.data(), count);
        if (k == 1) return highest;
        const float scale = (num_bins - 1) / (highest - lowest);
        if (!(scale < 1e30f && scale > 0)) return lowest;
        std::uint32_t counts[num_bins + 1] = {};
        for (std::size_t i = 0; i < count; ++i)  // rises with the key, whatever the rounding
            ++counts[static_cast<std::int32_t>((largest_[i] - lowest) * scale)];
        std::size_t bin = num_bins, reached = counts[bin];
        while (reached < k) reached += counts[--bin];
        if (reached > k + k / 4 + few_more) {
            const auto kth = largest_.data() + k - 1;
            std::nth_element(largest_.data(), kth, largest_.data() + count, std::greater<>());
            return *kth;
        }
        // Where the bin begins, less what three roundings of a difference may add.
        const double begin = lowest + static_cast<double>(bin) / scale;
        return round_down(begin - 0x1p-22 * (double{highest} - lowest));
    }

private:
    static constexpr std::size_t num_bins = 512;
    static constexpr std::size_t fewest_groups = 64, groups_a_key = 4, few_more = 8;

    /// The largest of each of some groups of keys, of which k are about the k largest; or all keys.
    std::size_t gather(const float* keys, std::size_t n, std::size_t k) {
        const std::size_t groups = std::max(groups_a_key * k, fewest_groups);
        largest_.reserve(std::min(2 * groups, n));
        if (2 * groups > n) {
            std::copy_n(keys, n, largest_.data());
            return n;
        }
        float* largest = largest_.data();
        std::copy_n(keys, groups, largest);
        for (std::size_t j = groups; j < n; j += groups) {
            const std::size_t count = std::min(groups, n - j);
            for (std::size_t i = 0; i < count; ++i)
                largest[i] = keys[j + i] > largest[i] ? keys[j + i] : largest[i];
        }
        return groups;
    }

    /// The least and the largest, a lane at a time so that compilers use vectors.
    static std::pair<float, float> range(const float* keys, std::size_t n) {
        constexpr std::size_t lanes = 16;
        float lowest[lanes], highest[lanes];
        std::fill_n(lowest, lanes, keys[0]), std::fill_n(highest, lanes, keys[0]);
        std::size_t i = 0;
        for (; i + lanes <= n; i += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                lowest[l] = keys[i + l] < lowest[l] ? keys[i + l] : lowest[l];
                highest[l] = keys[i + l] > highest[l] ? keys[i + l] : highest[l];
            }
        for (; i < n; ++i)
            lowest[0] = std::min(lowest[0], keys[i]), highest[0] = std::max(highest[0], keys[i]);
        return {*std::min_element(lowest, lowest + lanes), *std::max_element(highest, highest + lanes)};
    }

    AlignedBuffer<float> largest_;
};

}  // namespace hcbir
