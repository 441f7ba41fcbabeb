// Matches, and columns of them that the kernels read.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/dispatch.hpp"
#include "random.hpp"

namespace hcbir {

/// Matched points as a structure of arrays.
struct PointMatches {
    std::vector<double> x0, y0, x1, y1;

    std::size_t size() const { return x0.size(); }
    std::array<std::vector<double>*, 4> columns() { return {&x0, &y0, &x1, &y1}; }
    std::array<const std::vector<double>*, 4> columns() const { return {&x0, &y0, &x1, &y1}; }
};

inline std::vector<std::uint32_t> in_order(std::size_t count) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    return order;
}

/// A random permutation.
inline std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t seed) {
    std::vector<std::uint32_t> order = in_order(count);
    CounterRandom random(seed, 0);
    for (std::size_t i = 0; i + 1 < count; ++i)
        std::swap(order[i], order[i + random.below(static_cast<std::uint32_t>(count - i))]);
    return order;
}

/// Matches in some order, and 16 more behind them that are nowhere in image 1:
/// vectors may be read from any.
template <class T>
class Columns {
public:
    Columns(const PointMatches& matches, const std::vector<std::uint32_t>& order)
        : Columns({matches.x0.data(), matches.y0.data(), matches.x1.data(), matches.y1.data()}, order) {}

    /// Some of those that stand in others.
    Columns(const Columns<double>& all, const std::vector<std::uint32_t>& some)
        : Columns({all[0], all[1], all[2], all[3]}, some) {}

    /// The same, rounded.
    explicit Columns(const Columns<double>& exact)
        : count_(exact.count()), values_(exact.values().begin(), exact.values().end()) {}

    std::size_t count() const { return count_; }
    const std::vector<T>& values() const { return values_; }
    const T* operator[](std::size_t c) const { return values_.data() + c * (count_ + padding); }

    /// With the count rounded up to a multiple.
    kernels::Pairs<T> pairs(std::size_t multiple) const {
        const auto& all = *this;
        return {all[0], all[1], all[2], all[3], (count_ + multiple - 1) / multiple * multiple};
    }

private:
    static constexpr std::size_t padding = 16;

    Columns(const std::array<const double*, 4>& from, const std::vector<std::uint32_t>& order)
        : count_(order.size()), values_(4 * (count_ + padding)) {
        auto to = values_.begin();
        for (std::size_t c = 0; c < 4; ++c) {
            for (const std::uint32_t i : order) *to++ = static_cast<T>(from[c][i]);
            to = std::fill_n(to, padding, c < 2 ? T{0} : std::numeric_limits<T>::quiet_NaN());
        }
    }

    std::size_t count_;
    std::vector<T> values_;
};

}  // namespace hcbir
