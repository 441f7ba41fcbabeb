#include "match_window.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace hcbir {
namespace {

/// Whole numbers in the order of the floats.
std::uint32_t ascending_bits(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/// 0 to size - 1, by ascending values, then ascending: each to its place among as many intervals, of which
/// those are sorted that hold more than one.
std::vector<std::uint64_t> sorted_by(const float* values, std::size_t size) {
    const auto [least, most] = std::minmax_element(values, values + size);
    const float start = *least, scale = *most > start ? static_cast<float>(size) / (*most - start) : 0;
    const auto interval = [&](float value) {
        return std::min(static_cast<std::size_t>((value - start) * scale), size - 1);
    };
    std::vector<std::uint32_t> end(size);
    for (std::size_t i = 0; i < size; ++i) ++end[interval(values[i])];
    std::inclusive_scan(end.begin(), end.end(), end.begin());
    std::vector<std::uint64_t> keys(size);
    std::vector<std::uint32_t> begin = end;
    for (std::size_t i = size; i-- > 0;)
        keys[--begin[interval(values[i])]] = std::uint64_t{ascending_bits(values[i])} << 32 | i;
    for (std::size_t k = 0; k < size; ++k)
        if (end[k] > begin[k] + 1) std::sort(keys.begin() + begin[k], keys.begin() + end[k]);
    for (std::uint64_t& key : keys) key &= 0xffffffff;
    return keys;
}

}  // namespace

void MatchWindow::sort(const Columns<float>& points, const std::vector<float> (&turns)[3], std::size_t begin,
                       std::size_t size) {
    begin_ = begin, turned_ = !turns[0].empty();
    const float* along = (turned_ ? turns[0].data() : points[0]) + begin;
    const std::vector<std::uint64_t> order = sorted_by(along, size);
    sorted_.resize(size), slot_.resize(size);
    for (std::size_t i = 0; i < size; ++i) sorted_[i] = static_cast<std::uint32_t>(begin + order[i]);
    for (std::size_t c = 0; c < (turned_ ? 7 : 4); ++c) {
        const float* from = c < 4 ? points[c] : turns[c - 4].data();
        columns_[c].resize(size);
        for (std::size_t i = 0; i < size; ++i) columns_[c][i] = from[sorted_[i]];
    }
}

void MatchWindow::find_neighbours(std::size_t first, std::size_t last, float min_squared,
                                  float max_squared_error) {
    seeds_.clear();
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
        const std::size_t match = sorted_[i] - begin_;
        if (match < first || match >= last) continue;
        slot_[match] = static_cast<std::uint32_t>(seeds_.size());
        seeds_.push_back(static_cast<std::uint32_t>(i));
    }
    nearest_.resize(kernels::num_neighbours * seeds_.size()), may_have_support_.resize(seeds_.size());
    const auto& [x0, y0, x1, y1, log_scale, a, b] = columns_;
    const kernels::PairsF32 pairs{x0.data(), y0.data(), x1.data(), y1.data(), sorted_.size()};
    kernels::active().nearest_pairs(pairs, {turned_ ? log_scale.data() : nullptr, a.data(), b.data()},
                                    min_squared, seeds_.data(), seeds_.size(), nearest_.data());
    kernels::active().may_have_support(pairs, seeds_.data(), seeds_.size(), nearest_.data(),
                                       max_squared_error, may_have_support_.data());
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
