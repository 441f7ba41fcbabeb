#include "nearest_centroid.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <sstream>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {

using kernels::pq_panel_columns;

namespace {

constexpr std::size_t fewest_in_cells = 64;
constexpr double most_of_blocks = 0.5;  // which lists may have, to be worth it

}  // namespace

std::vector<float> mean_row(MatrixView<const float> rows) {
    std::vector<float> mean(rows.cols);
    for (std::size_t d = 0; d < rows.cols; ++d) {
        double sum = 0;
        for (std::size_t r = 0; r < rows.rows; ++r) sum += double{rows.row(r)[d]};
        mean[d] = static_cast<float>(sum / static_cast<double>(rows.rows));
    }
    return mean;
}

void require_in_range(MatrixView<const float> vectors, const char* name) {
    require_finite(vectors, name);
    for (std::size_t r = 0; r < vectors.rows; ++r)
        for (const float x : vectors.row_span(r))
            if (std::abs(x) > largest_value) {
                std::ostringstream got;
                got << std::abs(x) << " in row " << r;
                refuse(name, "of values up to 1e+17 in size", got.str());
            }
}

void pack_columns(MatrixView<const float> rows, const float* mean, float* panel) {
    for (std::size_t d = 0; d < rows.cols; ++d) {
        float* column = panel + d * pq_panel_columns;
        for (std::size_t r = 0; r < rows.rows; ++r) column[r] = rows.row(r)[d] - mean[d];
        std::fill(column + rows.rows, column + pq_panel_columns, 0.0f);
    }
}

NearestCentroid::NearestCentroid(MatrixView<const float> centroids) : mean_(mean_row(centroids)) {
    std::vector<float> about_mean;
    for (std::size_t c = 0; c < centroids.rows; ++c)
        for (std::size_t d = 0; d < mean_.size(); ++d) about_mean.push_back(centroids.row(c)[d] - mean_[d]);
    centroids_ = CentroidList({about_mean.data(), centroids.rows, mean_.size()});
}

std::optional<CellLists> NearestCentroid::cells() const {
    if (centroids_.size() < fewest_in_cells || centroids_.size() > CellLists::most_centroids) return {};
    CellLists cells(centroids_);
    if (cells.blocks_a_cell() >
        most_of_blocks * static_cast<double>(centroids_.size() / kernels::centroid_block))
        return {};
    return cells;
}

bool NearestCentroid::centre(const float* panel, float* centred) const {
    constexpr std::int32_t magnitude = 0x7fffffff, largest = std::bit_cast<std::int32_t>(largest_value);
    std::int32_t beyond = 0;
    for (std::size_t d = 0; d < dim(); ++d, panel += pq_panel_columns, centred += pq_panel_columns)
        for (std::size_t i = 0; i < pq_panel_columns; ++i) {
            beyond |= (std::bit_cast<std::int32_t>(panel[i]) & magnitude) > largest;
            centred[i] = panel[i] - mean_[d];
        }
    return !beyond;
}

void NearestCentroid::find(const float* panels, std::size_t count, std::uint32_t* nearest) const {
    const auto& kernels = kernels::active();
    float rests[pq_panel_columns];
    std::uint32_t found[pq_panel_columns];
    for (std::size_t first = 0; first < count; first += pq_panel_columns) {
        kernels.nearest_centroids(panels + first * dim(), centroids_.view(), centroids_.numbers().data(),
                                  centroids_.size(), dim(), rests, found);
        std::copy_n(found, std::min(pq_panel_columns, count - first), nearest + first);
    }
}

}  // namespace hcbir
