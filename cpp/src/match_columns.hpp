// Matches, and columns of them that the kernels read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/dispatch.hpp"

namespace hcbir {

/// Matched points as a structure of arrays.
struct PointMatches {
    std::vector<double> x0, y0, x1, y1;

    std::size_t size() const { return x0.size(); }
    std::array<std::vector<double>*, 4> columns() { return {&x0, &y0, &x1, &y1}; }
    std::array<const std::vector<double>*, 4> columns() const { return {&x0, &y0, &x1, &y1}; }
};

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

    const T* operator[](std::size_t c) const { return values_[c].data(); }

    /// With the count rounded up to a multiple.
    kernels::Pairs<T> pairs(std::size_t multiple) const {
        return {values_[0].data(), values_[1].data(), values_[2].data(), values_[3].data(),
                (count_ + multiple - 1) / multiple * multiple};
    }

private:
    Columns(const std::array<const double*, 4>& from, const std::vector<std::uint32_t>& order)
        : count_(order.size()) {
        for (std::size_t c = 0; c < 4; ++c) {
            values_[c].assign(count_ + 16, c < 2 ? T{0} : std::numeric_limits<T>::quiet_NaN());
            for (std::size_t i = 0; i < count_; ++i) values_[c][i] = static_cast<T>(from[c][order[i]]);
        }
    }

    std::size_t count_;
    std::vector<T> values_[4];
};

}  // namespace hcbir
