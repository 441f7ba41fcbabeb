// Space in cells, each with the centroids that may be nearest to a point in it, so that few distances need
// to be computed.
#pragma once

#include <vector>

#include "centroid_list.hpp"

namespace hcbir {

class CellLists {
public:
    static constexpr std::size_t most_centroids = 256;

    /// At most that many centroids. Each dimension is cut where as many centroids lie to each side; those in
    /// which they spread most into more intervals.
    explicit CellLists(CentroidList all);

    /// In the mean over the cells.
    double blocks_a_cell() const { return static_cast<double>(first_block_[num_cells_]) / num_cells_; }
    /// What kernels::Table::nearest_centroids says of the first `count` columns of the panels, without rests.
    void find(const float* panels, std::size_t count, std::uint32_t* nearest) const;

private:
    void cut(const CentroidList& all);
    void fill(std::size_t d, const float* thresholds, CentroidList& list);
    void append(const CentroidList& list);

    std::size_t dim() const { return low_.size(); }

    std::uint32_t num_cells_ = 1;
    std::vector<float> low_, high_, thresholds_;
    std::vector<std::uint32_t> intervals_, first_block_{0};  // of each cell's list; and the end
    std::vector<float> blocks_;
    std::vector<std::uint8_t> numbers_;
    std::vector<float> box_low_, box_high_;  // while lists are made: the cell's
};

}  // namespace hcbir
