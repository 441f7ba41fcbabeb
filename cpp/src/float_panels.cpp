#include "float_panels.hpp"

namespace hcbir {

void FloatPanels::reserve(std::size_t count, std::size_t width, std::size_t cols) {
    width_ = width, cols_ = cols, padded_ = ceil_div(count, width) * width;
    values_.reserve(padded_ * cols);
}

void FloatPanels::fill(std::size_t place, MatrixView<const float> rows, std::size_t first,
                       std::size_t count) {
    for (std::size_t c = 0; c < cols_; c += block_columns)
        pack_panels({rows.data + c, rows.rows, block(c), rows.stride}, first, count, width_,
                    values_.data() + padded_ * c + place * block(c));
}

std::size_t queries_at_once(std::size_t dim) { return dim <= FloatPanels::block_columns ? 24 : 120; }

void multiply(kernels::Tile* tile, const FloatPanels& queries, Range query_range, const FloatPanels& rows,
              Range row_range, float* scores, std::size_t stride) {
    for (std::size_t c = 0; c < rows.cols(); c += FloatPanels::block_columns)
        for (std::size_t j = row_range.first; j < row_range.last; j += rows.width())
            for (std::size_t i = query_range.first; i < query_range.last; i += queries.width())
                tile(queries.at(i, c), rows.at(j, c), rows.block(c), c > 0,
                     scores + (i - query_range.first) * stride + (j - row_range.first), stride);
}

}  // namespace hcbir
