#include "cell_lists.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "panels.hpp"

namespace hcbir {
using kernels::pq_panel_columns;

namespace {

using kernels::centroid_block;
constexpr unsigned cuts = 8;                  // in two: so 256 cells
constexpr std::uint32_t most_intervals = 16;  // of a dimension
constexpr float beyond = 0.2f;                // of the centroids' range, to either side, is in the cells too

/// Values of dimension d, ascending.
std::vector<float> sorted_values(const CentroidList& all, std::size_t d) {
    std::vector<float> values(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) values[i] = all.value(i, d);
    std::sort(values.begin(), values.end());
    return values;
}

double variance(const std::vector<float>& values) {
    double sum = 0, squares = 0;
    for (const float value : values) sum += double{value}, squares += double{value} * double{value};
    const auto count = static_cast<double>(values.size());
    return squares / count - sum / count * (sum / count);
}

}  // namespace

CellLists::CellLists(CentroidList all) : intervals_(all.dim(), 1), box_low_(all.dim()), box_high_(all.dim()) {
    cut(all);
    box_low_ = low_, box_high_ = high_;
    fill(0, thresholds_.data(), all);
    append(all);
}

void CellLists::cut(const CentroidList& all) {
    const std::size_t dim = all.dim();
    std::vector<double> spreads;  // of what lies in an interval
    for (std::size_t d = 0; d < dim; ++d) spreads.push_back(variance(sorted_values(all, d)));
    for (unsigned i = 0; i < cuts; ++i) {
        const auto widest = std::max_element(spreads.begin(), spreads.end());
        if (!(*widest > 0)) break;
        std::uint32_t& intervals = intervals_[static_cast<std::size_t>(widest - spreads.begin())];
        intervals *= 2, num_cells_ *= 2, *widest = intervals < most_intervals ? *widest / 4 : 0;
    }
    for (std::size_t d = 0; d < dim; ++d) {
        const auto values = sorted_values(all, d);
        const float margin = beyond * (values.back() - values.front());
        low_.push_back(values.front() - margin), high_.push_back(values.back() + margin);
        for (std::uint32_t i = 1; i < intervals_[d]; ++i)
            thresholds_.push_back(values[i * values.size() / intervals_[d]]);
    }
}

/// Appends the lists of the cells in the box's part from dimension d on. thresholds: of dimension d.
void CellLists::fill(std::size_t d, const float* thresholds, CentroidList& list) {
    if (d == intervals_.size()) return append(list);
    if (intervals_[d] == 1) return fill(d + 1, thresholds, list);
    const std::uint32_t last = intervals_[d] - 1;
    CentroidList near;
    for (std::uint32_t i = 0; i <= last; ++i) {
        box_low_[d] = i == 0 ? low_[d] : thresholds[i - 1];
        box_high_[d] = i == last ? high_[d] : thresholds[i];
        near.narrow(list, box_low_.data(), box_high_.data());
        fill(d + 1, thresholds + last, near);
    }
    box_low_[d] = low_[d], box_high_[d] = high_[d];
}

void CellLists::append(const CentroidList& list) {
    const std::size_t num_blocks = ceil_div(list.size(), centroid_block),
                      width = centroid_block * (list.dim() + 1);
    const std::size_t first = blocks_.size() / width;
    blocks_.resize(blocks_.size() + num_blocks * width, 0.0f);
    numbers_.resize(numbers_.size() + num_blocks * centroid_block);
    for (std::size_t i = 0; i < num_blocks * centroid_block; ++i) {
        float* place = blocks_.data() + (first + i % num_blocks) * width + i / num_blocks;
        if (i >= list.size()) {
            *place = std::numeric_limits<float>::infinity();
            continue;
        }
        *place = list.half(i);
        for (std::size_t d = 0; d < list.dim(); ++d) place[(d + 1) * centroid_block] = list.value(i, d);
        numbers_[first * centroid_block + i] = static_cast<std::uint8_t>(list.number(i));
    }
    first_block_.push_back(static_cast<std::uint32_t>(first + num_blocks));
}

void CellLists::find(const float* panels, std::size_t count, std::uint32_t* nearest) const {
    const auto& kernels = kernels::active();
    const kernels::Grid grid{num_cells_, low_.data(), high_.data(), thresholds_.data(), intervals_.data()};
    const std::size_t num_panels = ceil_div(count, pq_panel_columns);
    std::vector<std::uint32_t> cells(num_panels * pq_panel_columns), columns(count), ends(num_cells_ + 2);
    for (std::size_t p = 0; p < num_panels; ++p)
        kernels.cells_of(panels + p * dim() * pq_panel_columns, grid, dim(),
                         cells.data() + p * pq_panel_columns);
    // Columns of one cell after those of another, so that lists stay in the nearest cache.
    for (std::size_t j = 0; j < count; ++j) ++ends[cells[j] + 1];
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
    for (std::size_t j = 0; j < count; ++j) columns[ends[cells[j]]++] = static_cast<std::uint32_t>(j);
    for (std::uint32_t cell = 0, done = 0; cell <= num_cells_; done = ends[cell++]) {
        if (ends[cell] == done) continue;
        const std::size_t first = first_block_[cell];
        const kernels::CentroidBlocks list{blocks_.data() + first * centroid_block * (dim() + 1),
                                           first_block_[cell + 1] - first_block_[cell],
                                           numbers_.data() + first * centroid_block};
        kernels.nearest_in_blocks(panels, columns.data() + done, ends[cell] - done, list, dim(), nearest);
    }
}

}  // namespace hcbir
