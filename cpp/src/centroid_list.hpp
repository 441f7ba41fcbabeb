// Centroids side by side, and those among them that may be the nearest to points of a box.
#pragma once

#include <cstdint>
#include <vector>

#include "hcbir/types.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

/// Half the squared length of every row, summed in double.
std::vector<float> half_squared_lengths(MatrixView<const float> rows);

class CentroidList {
public:
    CentroidList() = default;
    /// All rows, numbered from 0.
    explicit CentroidList(MatrixView<const float> centroids);

    std::size_t size() const { return numbers_.size(); }
    std::size_t dim() const { return largest_.size(); }
    std::uint32_t number(std::size_t i) const { return numbers_[i]; }
    float half(std::size_t i) const { return halves_[i]; }
    float value(std::size_t i, std::size_t d) const { return columns_[d * stride() + i]; }
    const std::vector<std::uint32_t>& numbers() const { return numbers_; }
    kernels::Centroids view() const { return {columns_.data(), stride(), halves_.data(), size()}; }

    /// Writes the numbers of those that may be nearest to a point of the box, by the floats of
    /// kernels::Table::nearest_centroids: to such points the nearest of these are the nearest here, and the
    /// rests the same.
    void find_near(const float* low, const float* high, std::vector<std::uint32_t>& numbers);

    /// Becomes those of `from`.
    void narrow(CentroidList& from, const float* low, const float* high);

private:
    std::size_t stride() const { return halves_.size(); }
    std::size_t find_places(const float* low, const float* high);

    std::vector<float> columns_, halves_;
    std::vector<std::uint32_t> numbers_;
    std::vector<float> largest_;  // magnitude in each dimension, and the largest half: bounds
    float largest_half_ = 0;
    std::vector<float> middle_, reach_, scratch_;  // for find_places
    std::vector<std::uint32_t> places_;            // which writes them here
};

}  // namespace hcbir
