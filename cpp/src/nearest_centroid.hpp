// The nearest of some centroids by float arithmetic in one order, as `reference.quantization.encode` has it.
#pragma once

#include <cstdint>
#include <vector>

#include "hcbir/types.hpp"

namespace hcbir {

/// Mean of the rows, summed in double in their order.
std::vector<float> mean_row(MatrixView<const float> rows);

/// Half the squared length of every row, summed in double.
std::vector<float> half_squared_lengths(MatrixView<const float> rows);

/// Writes rows, less `mean`, side by side into a panel of kernels::pq_panel_columns columns, the missing ones
/// as zeros.
void pack_columns(MatrixView<const float> rows, const float* mean, float* panel);

/// All distances are taken about the centroids' mean: where they lie far from the origin, floats would not
/// tell them apart.
class NearestCentroid {
public:
    explicit NearestCentroid(MatrixView<const float> centroids);

    /// nearest[i] = number of the centroid nearest to row i, the first of equally near ones.
    void find(MatrixView<const float> rows, std::uint32_t* nearest) const;

private:
    std::size_t dim_;
    std::vector<float> mean_, centroids_, halves_;  // centroids less the mean
};

}  // namespace hcbir
