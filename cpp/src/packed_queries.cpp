#include "packed_queries.hpp"

#include <algorithm>

namespace hcbir {
namespace {

constexpr std::size_t rows_at_once =
    48;  // that all panels meet while they are at hand: whole strips at every level

}  // namespace

std::size_t PackedQueries::narrow_width() const {
    return std::min(kernels::narrow_strip, kernels_.strip_queries);
}

void PackedQueries::pack(MatrixView<const float> queries, Executor& executor) {
    queries_ = queries;
    if (queries.rows == 1) return;
    const std::size_t width = kernels_.strip_queries, num_panels = ceil_div(queries.rows, width);
    panels_.reserve(num_panels * width * queries.cols);
    executor.parallel_for(num_panels, [&](std::size_t panel, std::size_t) {
        const std::size_t first = panel * width, count = std::min(width, queries.rows - first);
        pack_panels(queries, first, count, count > kernels::narrow_strip ? width : narrow_width(),
                    panels_.data() + first * queries.cols);
    });
}

void PackedQueries::multiply(std::size_t first, std::size_t last, MatrixView<const float> rows, float* scores,
                             std::size_t stride, float* norms) const {
    if (queries_.rows == 1) {
        AlignedBuffer<float> unused;
        if (!norms) unused.reserve(rows.rows);
        return kernels_.dot_rows(queries_.row(0), rows.data, rows.stride, rows.rows, rows.cols, scores,
                                 norms ? norms : unused.data(), near_);
    }
    const std::size_t width = kernels_.strip_queries;
    for (std::size_t j = 0; j < rows.rows; j += rows_at_once) {
        const std::size_t count = std::min(rows_at_once, rows.rows - j);
        for (std::size_t i = first; i < last; i += width)
            kernels_.dot_strip(panels_.data() + i * rows.cols, std::min(width, last - i), rows.row(j),
                               rows.stride, count, rows.cols, scores + (i - first) * stride + j, stride,
                               i == first && norms ? norms + j : nullptr, near_);
    }
}

}  // namespace hcbir
