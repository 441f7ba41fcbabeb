// The neighbours of matches among some.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/dispatch.hpp"
#include "match_columns.hpp"

namespace hcbir {

/// Matches that are looked at as each other's neighbours.
class MatchWindow {
public:
    /// Those from `begin` on; turns as in kernels::Turns, or empty.
    void sort(const Columns<float>& points, const std::vector<float> (&turns)[3], std::size_t begin,
              std::size_t size);

    /// Of the matches first to last of the window; max_squared_error: of a neighbour that gives support.
    void find_neighbours(std::size_t first, std::size_t last, float min_squared, float max_squared_error);

    /// Of match i of the window, for which they have been found; `none` where there is none.
    std::array<std::uint32_t, kernels::num_neighbours> neighbours(std::size_t i, std::uint32_t none) const;

    /// Whether an affine sample of it and two neighbours may have a third as an inlier.
    bool may_have_support(std::size_t i) const { return may_have_support_[slot_[i]]; }

private:
    std::size_t begin_ = 0;
    bool turned_ = false;
    std::vector<std::uint32_t> sorted_;           // matches
    std::vector<float> columns_[7];               // of these
    std::vector<std::uint32_t> seeds_, nearest_;  // counted as sorted
    std::vector<std::uint8_t> may_have_support_;  // of the seeds
    std::vector<std::uint32_t> slot_;             // of each match of the window, among the seeds
};

}  // namespace hcbir
