// The nearest of some centroids by float arithmetic in one order, as `reference.quantization.encode` has it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cell_lists.hpp"
#include "centroid_list.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// Mean of the rows, summed in double in their order.
std::vector<float> mean_row(MatrixView<const float> rows);

/// Writes rows, less `mean`, side by side into a panel of kernels::pq_panel_columns columns, the missing ones
/// as zeros.
void pack_columns(MatrixView<const float> rows, const float* mean, float* panel);

/// Of vectors to be quantised: the squared distances of up to 8,000 dimensions stay floats.
/// Differences from centroids, and rotated vectors, are larger than what users give.
constexpr float largest_value = 1e17f;

/// Throws std::invalid_argument that names the first row with a value beyond it, or one that is not finite.
void require_in_range(MatrixView<const float> vectors, const char* name);

/// All distances are taken about the centroids' mean: where they lie far from the origin, floats would not
/// tell them apart.
class NearestCentroid {
public:
    explicit NearestCentroid(MatrixView<const float> centroids);

    /// Lists that do the same sooner for many rows, if they are short enough for that.
    std::optional<CellLists> cells() const;

    /// Writes a panel of kernels::pq_panel_columns vectors less the centroids' mean; returns whether all its
    /// values are up to largest_value.
    bool centre(const float* panel, float* centred) const;

    /// nearest[i] = number of the centroid nearest to vector i of `count` centred ones, the first of equally
    /// near ones.
    void find(const float* panels, std::size_t count, std::uint32_t* nearest) const;

private:
    std::size_t dim() const { return mean_.size(); }

    std::vector<float> mean_;
    CentroidList centroids_;  // less the mean
};

}  // namespace hcbir
