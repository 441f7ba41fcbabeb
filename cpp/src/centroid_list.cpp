#include "centroid_list.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "panels.hpp"

namespace hcbir {
using kernels::centroid_block;

std::vector<float> half_squared_lengths(MatrixView<const float> rows) {
    std::vector<float> halves(rows.rows);
    for (std::size_t r = 0; r < rows.rows; ++r) {
        double sum = 0;
        for (const float value : rows.row_span(r)) sum += double{value} * double{value};
        halves[r] = static_cast<float>(sum / 2);
    }
    return halves;
}

CentroidList::CentroidList(MatrixView<const float> centroids)
    : halves_(half_squared_lengths(centroids)), numbers_(centroids.rows), largest_(centroids.cols) {
    std::iota(numbers_.begin(), numbers_.end(), 0u);
    largest_half_ = *std::max_element(halves_.begin(), halves_.end());
    halves_.resize(ceil_div(size(), centroid_block) * centroid_block, std::numeric_limits<float>::infinity());
    columns_.resize(dim() * stride());
    for (std::size_t d = 0; d < dim(); ++d)
        for (std::size_t i = 0; i < size(); ++i) {
            columns_[d * stride() + i] = centroids.row(i)[d];
            largest_[d] = std::max(largest_[d], std::abs(centroids.row(i)[d]));
        }
}

std::size_t CentroidList::find_places(const float* low, const float* high) {
    middle_.resize(dim()), reach_.resize(dim());
    double magnitudes = double{largest_half_};
    for (std::size_t d = 0; d < dim(); ++d) {
        middle_[d] = low[d] + (high[d] - low[d]) / 2;
        reach_[d] = std::max(high[d] - middle_[d], middle_[d] - low[d]) * (1 + 0x1p-22f);
        magnitudes += double{largest_[d]} * (std::abs(double{middle_[d]}) + double{reach_[d]});
    }
    // A rest is made of dim products and differences, each within 2^-24 of `magnitudes`; a comparison in the
    // kernel takes two rests and as many products with twice the values, and it stands for two rests.
    const auto terms = static_cast<double>(dim() + 2);
    const auto margin = static_cast<float>(terms * (0x1p-20 * magnitudes + 0x1p-120));

    scratch_.resize(centroid_block * dim() + stride()), places_.resize(stride());
    return kernels::active().near_box(view(), dim(), middle_.data(), reach_.data(), margin, scratch_.data(),
                                      places_.data());
}

void CentroidList::find_near(const float* low, const float* high, std::vector<std::uint32_t>& numbers) {
    numbers.resize(find_places(low, high));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = numbers_[places_[i]];
}

void CentroidList::narrow(CentroidList& from, const float* low, const float* high) {
    const std::size_t count = from.find_places(low, high), dim = from.dim();
    const std::uint32_t* places = from.places_.data();
    largest_ = from.largest_, largest_half_ = from.largest_half_;
    numbers_.resize(count);
    halves_.resize(ceil_div(count, centroid_block) * centroid_block);
    columns_.resize(dim * stride());
    for (std::size_t i = 0; i < count; ++i) numbers_[i] = from.numbers_[places[i]];
    for (std::size_t i = 0; i < count; ++i) halves_[i] = from.halves_[places[i]];
    std::fill(halves_.begin() + static_cast<std::ptrdiff_t>(count), halves_.end(),
              std::numeric_limits<float>::infinity());
    for (std::size_t d = 0; d < dim; ++d) {
        const float* source = from.columns_.data() + d * from.stride();
        float* column = columns_.data() + d * stride();
        for (std::size_t i = 0; i < count; ++i) column[i] = source[places[i]];
        std::fill(column + count, column + stride(), 0.0f);
    }
}

}  // namespace hcbir
