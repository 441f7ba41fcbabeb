#include "adc_screen.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

constexpr double largest_limit = 254;  // a sum of 255 may be any larger one
constexpr double coarse_limit = 160;   // tables are made anew for a limit below

// Of the codes looked at, one in how many may be left by a head, that it pays to make it longer, or shorter.
// One code left takes a while; a table more costs all, and leaves a good part of them.
constexpr std::size_t longer_from = 64, shorter_to = 256;
constexpr std::size_t one_try_in = 16;  // of times that it does not pay

}  // namespace

bool AdcScreen::pays() {
    if (per_unit_ == 0 || paid_) return true;
    return ++skipped_ % one_try_in == 0;
}

std::uint8_t AdcScreen::limit(const AdcTables& tables, std::size_t q, double score) {
    const double allowance = tables.allowance(q, score);
    if (per_unit_ == 0 || allowance * per_unit_ < coarse_limit ||
        allowance * per_unit_ > largest_limit + 1e-3) {
        const double before = per_unit_;
        per_unit_ = static_cast<float>(std::min(largest_limit / std::max(allowance, 1e-30), 1e30));
        if (per_unit_ != before) make(tables, q);
    }
    // Shortfalls were rounded down, so those of a code that reaches the score sum to this at most.
    return static_cast<std::uint8_t>(std::min(allowance * per_unit_ + 1e-3, largest_limit));
}

void AdcScreen::make(const AdcTables& tables, std::size_t q) {
    const auto& kernels = kernels::active();
    const std::size_t count = tables.num_parts(), values = tables.part_values();
    shortfalls_.reserve(count * values);
    scratch_.reserve(count * values);
    std::vector<std::size_t> sums(count);
    for (std::size_t p = 0; p < count; ++p) {
        const float* part = tables.parts(q) + p * values;
        std::uint8_t* bytes = scratch_.data() + p * values;
        float lowest = 0, largest = 0;
        kernels.extremes(part, values, &lowest, &largest);
        kernels.bytes_below(part, values, largest, static_cast<float>(per_unit_), bytes);
        sums[p] = std::accumulate(bytes, bytes + values, std::size_t{0});
    }
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), 0u);
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return sums[a] > sums[b]; });
    for (std::size_t p = 0; p < count; ++p)
        std::copy_n(scratch_.data() + order_[p] * values, values, shortfalls_.data() + p * values);
    if (head_ == 0) head_ = (count + 1) / 2;
}

void AdcScreen::adapt(std::size_t left, std::size_t count) {
    if (longer_from * left > count)
        head_ = std::min(head_ + 1, order_.size());
    else if ((head_ == order_.size() || shorter_to * left < count) && head_ > 2)
        --head_;
    paid_ = head_ < order_.size();
}

}  // namespace hcbir
