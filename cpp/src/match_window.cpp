#include "match_window.hpp"

#include <algorithm>
#include <bit>

namespace hcbir {
namespace {

/// Whole numbers in the order of the floats.
std::uint32_t ascending_bits(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

}  // namespace

void MatchWindow::sort(const Columns<float>& points, const std::vector<float> (&turns)[3], std::size_t begin,
                       std::size_t size) {
    begin_ = begin, turned_ = !turns[0].empty();
    const float* along = (turned_ ? turns[0].data() : points[0]) + begin;
    std::vector<std::uint64_t> keys(size);
    for (std::size_t i = 0; i < size; ++i) keys[i] = std::uint64_t{ascending_bits(along[i])} << 32 | i;
    std::sort(keys.begin(), keys.end());
    sorted_.resize(size), slot_.resize(size);
    for (std::size_t i = 0; i < size; ++i)
        sorted_[i] = static_cast<std::uint32_t>(begin + (keys[i] & 0xffffffff));
    for (std::size_t c = 0; c < (turned_ ? 7 : 4); ++c) {
        const float* from = c < 4 ? points[c] : turns[c - 4].data();
        columns_[c].resize(size);
        for (std::size_t i = 0; i < size; ++i) columns_[c][i] = from[sorted_[i]];
    }
}

void MatchWindow::find_neighbours(std::size_t first, std::size_t last, float min_squared) {
    seeds_.clear();
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
        const std::size_t match = sorted_[i] - begin_;
        if (match < first || match >= last) continue;
        slot_[match] = static_cast<std::uint32_t>(seeds_.size());
        seeds_.push_back(static_cast<std::uint32_t>(i));
    }
    nearest_.resize(kernels::num_neighbours * seeds_.size());
    const auto& [x0, y0, x1, y1, log_scale, a, b] = columns_;
    kernels::active().nearest_pairs({x0.data(), y0.data(), x1.data(), y1.data(), sorted_.size()},
                                    {turned_ ? log_scale.data() : nullptr, a.data(), b.data()}, min_squared,
                                    seeds_.data(), seeds_.size(), nearest_.data());
}

std::array<std::uint32_t, kernels::num_neighbours> MatchWindow::neighbours(std::size_t i,
                                                                           std::uint32_t none) const {
    std::array<std::uint32_t, kernels::num_neighbours> found;
    for (std::size_t k = 0; k < found.size(); ++k) {
        const std::uint32_t nearest = nearest_[found.size() * slot_[i] + k];
        found[k] = nearest == kernels::no_neighbour ? none : sorted_[nearest];
    }
    return found;
}

}  // namespace hcbir
