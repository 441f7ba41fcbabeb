#include "nearest_centroid.hpp"

#include <algorithm>

#include "kernels/dispatch.hpp"

namespace hcbir {

using kernels::pq_panel_columns;

std::vector<float> mean_row(MatrixView<const float> rows) {
    std::vector<float> mean(rows.cols);
    for (std::size_t d = 0; d < rows.cols; ++d) {
        double sum = 0;
        for (std::size_t r = 0; r < rows.rows; ++r) sum += double{rows.row(r)[d]};
        mean[d] = static_cast<float>(sum / static_cast<double>(rows.rows));
    }
    return mean;
}

std::vector<float> half_squared_lengths(MatrixView<const float> rows) {
    std::vector<float> halves(rows.rows);
    for (std::size_t r = 0; r < rows.rows; ++r) {
        double sum = 0;
        for (const float value : rows.row_span(r)) sum += double{value} * double{value};
        halves[r] = static_cast<float>(sum / 2);
    }
    return halves;
}

void pack_columns(MatrixView<const float> rows, const float* mean, float* panel) {
    for (std::size_t d = 0; d < rows.cols; ++d) {
        float* column = panel + d * pq_panel_columns;
        for (std::size_t r = 0; r < rows.rows; ++r) column[r] = rows.row(r)[d] - mean[d];
        std::fill(column + rows.rows, column + pq_panel_columns, 0.0f);
    }
}

NearestCentroid::NearestCentroid(MatrixView<const float> centroids)
    : dim_(centroids.cols), mean_(mean_row(centroids)) {
    for (std::size_t c = 0; c < centroids.rows; ++c)
        for (std::size_t d = 0; d < dim_; ++d) centroids_.push_back(centroids.row(c)[d] - mean_[d]);
    halves_ = half_squared_lengths({centroids_.data(), centroids.rows, dim_});
}

void NearestCentroid::find(MatrixView<const float> rows, std::uint32_t* nearest) const {
    const auto& kernels = kernels::active();
    std::vector<float> panel(dim_ * pq_panel_columns);
    float rests[pq_panel_columns];
    std::uint32_t found[pq_panel_columns];
    for (std::size_t first = 0; first < rows.rows; first += pq_panel_columns) {
        const std::size_t count = std::min(pq_panel_columns, rows.rows - first);
        pack_columns({rows.row(first), count, dim_, rows.stride}, mean_.data(), panel.data());
        kernels.nearest_centroids(panel.data(), centroids_.data(), halves_.data(), halves_.size(), dim_,
                                  rests, found);
        std::copy_n(found, count, nearest + first);
    }
}

}  // namespace hcbir
