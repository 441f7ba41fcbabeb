#include "near_panels.hpp"

#include <algorithm>

#include "near_order.hpp"
#include "nearest_centroid.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t fewest_to_narrow = 64;  // centroids
constexpr double most_left = 0.6;             // of the centroids, for narrowing to pay

/// Of the distances between a value and some intervals.
void add_squares(const float* low, const float* high, std::size_t count, float value, float* sums) {
    for (std::size_t i = 0; i < count; ++i) {
        const float below = low[i] - value, above = value - high[i];
        const float outside = std::max(std::max(below, above), 0.0f);
        sums[i] += outside * outside;
    }
}

}  // namespace

NearPanels::NearPanels(MatrixView<const float> rows)
    : size_(rows.rows),
      mean_(mean_row(rows)),
      panels_(num_panels() * columns * rows.cols),
      low_(dim()),
      high_(dim()) {
    const auto near = near_order(rows, panels_a_box * columns);
    for (std::size_t first = 0; first < size_; first += columns)
        pack_columns({near.data() + first * dim(), std::min(columns, size_ - first), dim()}, mean_.data(),
                     panels_.data() + first * dim());
    boxes_ = boxes_around(panels_a_box * columns);
    groups_ = boxes_around(boxes_a_group * panels_a_box * columns);
}

NearPanels::Boxes NearPanels::boxes_around(std::size_t count) const {
    Boxes boxes(ceil_div(size_, count), dim());
    for (std::size_t b = 0; b < boxes.count; ++b)
        for (std::size_t d = 0; d < dim(); ++d) {
            float low = value(b * count, d), high = low;
            for (std::size_t i = b * count; i < std::min((b + 1) * count, size_); ++i)
                low = std::min(low, value(i, d)), high = std::max(high, value(i, d));
            boxes.low[d * boxes.count + b] = low, boxes.high[d * boxes.count + b] = high;
        }
    return boxes;
}

void NearPanels::place(const Boxes& boxes, std::size_t box) {
    for (std::size_t d = 0; d < dim(); ++d)
        low_[d] = boxes.low[d * boxes.count + box], high_[d] = boxes.high[d * boxes.count + box];
}

void NearPanels::find_nearest(CentroidList& all, float* rests, std::uint32_t* nearest) {
    const auto& kernels = kernels::active();
    const bool pays = narrowing_pays_ && all.size() >= fewest_to_narrow;
    CentroidList of_group;
    std::vector<std::uint32_t> numbers = all.numbers();
    std::size_t left = 0;
    for (std::size_t b = 0; b < num_boxes(); ++b) {
        if (pays) {
            if (b % boxes_a_group == 0) {
                place(groups_, b / boxes_a_group);
                of_group.narrow(all, low_.data(), high_.data());
            }
            place(boxes_, b);
            of_group.find_near(low_.data(), high_.data(), numbers);
            left += numbers.size();
        }
        for (std::size_t p = b * panels_a_box; p < std::min((b + 1) * panels_a_box, num_panels()); ++p)
            kernels.nearest_centroids(panel(p), all.view(), numbers.data(), numbers.size(), dim(),
                                      rests + p * columns, nearest + p * columns);
    }
    if (pays)
        narrowing_pays_ =
            static_cast<double>(left) < most_left * static_cast<double>(all.size() * num_boxes());
}

void NearPanels::box_distances(const float* point, std::size_t first, std::size_t count,
                               float* distances) const {
    std::fill_n(distances, count, 0.0f);
    for (std::size_t d = 0; d < dim(); ++d) {
        const float *low = boxes_.low.data() + d * num_boxes() + first,
                    *high = boxes_.high.data() + d * num_boxes() + first;
        add_squares(low, high, count, point[d], distances);
    }
}

void NearPanels::group_distances(const float* point, float* distances) const {
    std::fill_n(distances, num_groups(), 0.0f);
    for (std::size_t d = 0; d < dim(); ++d)
        add_squares(groups_.low.data() + d * num_groups(), groups_.high.data() + d * num_groups(),
                    num_groups(), point[d], distances);
}

}  // namespace hcbir
