// Vectors of a sub-space in panels, those that lie close together one after another; so most centroids are
// known to be nearest to none of a few panels.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "centroid_list.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

class NearPanels {
public:
    static constexpr std::size_t columns = kernels::pq_panel_columns, panels_a_box = 2, boxes_a_group = 8;

    /// The rows in another order, about their mean.
    explicit NearPanels(MatrixView<const float> rows);

    std::size_t size() const { return size_; }
    std::size_t dim() const { return mean_.size(); }
    std::size_t num_panels() const { return (size_ + columns - 1) / columns; }
    std::size_t num_boxes() const { return boxes_.count; }
    std::size_t num_groups() const { return groups_.count; }
    const std::vector<float>& mean() const { return mean_; }
    const float* panel(std::size_t p) const { return panels_.data() + p * columns * dim(); }
    /// Value d of vector i stands at column(i)[d * columns].
    const float* column(std::size_t i) const { return panel(i / columns) + i % columns; }
    float value(std::size_t i, std::size_t d) const { return column(i)[d * columns]; }

    /// What kernels::Table::nearest_centroids says of every panel; what is beyond size() has no meaning.
    void find_nearest(CentroidList& all, float* rests, std::uint32_t* nearest);

    /// Squared distance of the point from boxes first ..: of panels panels_a_box * box and so on.
    void box_distances(const float* point, std::size_t first, std::size_t count, float* distances) const;
    /// From the box of each group, of boxes boxes_a_group * group and so on.
    void group_distances(const float* point, float* distances) const;

private:
    /// Around consecutive columns: box b is low[d * count + b] .. high[d * count + b].
    struct Boxes {
        Boxes() = default;
        Boxes(std::size_t num_boxes, std::size_t dim)
            : count(num_boxes), low(num_boxes * dim), high(num_boxes * dim) {}

        std::size_t count = 0;
        std::vector<float> low, high;
    };
    Boxes boxes_around(std::size_t count) const;
    void place(const Boxes& boxes, std::size_t box);

    std::size_t size_;
    std::vector<float> mean_;
    AlignedBuffer<float> panels_;
    Boxes boxes_, groups_;
    bool narrowing_pays_ = true;     // until it did not
    std::vector<float> low_, high_;  // of the box at hand
};

}  // namespace hcbir
