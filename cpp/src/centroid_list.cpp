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

void CentroidList::narrow(const CentroidList& from, const float* low, const float* high) {
    const std::size_t dim = from.dim();
    middle_.resize(dim), reach_.resize(dim);
    largest_ = from.largest_, largest_half_ = from.largest_half_;
    double magnitudes = double{largest_half_};
    for (std::size_t d = 0; d < dim; ++d) {
        middle_[d] = low[d] + (high[d] - low[d]) / 2;
        reach_[d] = std::max(high[d] - middle_[d], middle_[d] - low[d]) * (1 + 0x1p-22f);
        magnitudes += double{largest_[d]} * (std::abs(double{middle_[d]}) + double{reach_[d]});
    }
    // A rest is made of dim products and differences, each within 2^-24 of `magnitudes`; a comparison in the
    // kernel takes two rests and as many products with twice the values, and it stands for two rests.
    const auto terms = static_cast<double>(dim + 2);
    const auto margin = static_cast<float>(terms * (0x1p-20 * magnitudes + 0x1p-120));

    scratch_.resize(centroid_block * dim + from.stride()), places_.resize(from.stride());
    const std::size_t count = kernels::active().near_box(from.view(), dim, middle_.data(), reach_.data(),
                                                         margin, scratch_.data(), places_.data());
    numbers_.resize(count);
    halves_.resize(ceil_div(count, centroid_block) * centroid_block);
    columns_.resize(dim * stride());
    for (std::size_t i = 0; i < count; ++i) numbers_[i] = from.numbers_[places_[i]];
    for (std::size_t i = 0; i < count; ++i) halves_[i] = from.halves_[places_[i]];
    std::fill(halves_.begin() + static_cast<std::ptrdiff_t>(count), halves_.end(),
              std::numeric_limits<float>::infinity());
    for (std::size_t d = 0; d < dim; ++d) {
        const float* source = from.columns_.data() + d * from.stride();
        float* column = columns_.data() + d * stride();
        for (std::size_t i = 0; i < count; ++i) column[i] = source[places_[i]];
        std::fill(column + count, column + stride(), 0.0f);
    }
}

}  // namespace hcbir
