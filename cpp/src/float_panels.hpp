// Vectors packed for products by tiles, a block of columns at a time.
#pragma once

#include "aligned.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {

/// One block of columns after another, each as panels of `width` vectors (pack_panels): a panel stays in the
/// first cache while it meets those of the other side.
class FloatPanels {
public:
    /// Room for `count` vectors.
    void reserve(std::size_t count, std::size_t width, std::size_t cols);
    /// Packs rows first .. first + count - 1 as vectors place .. place + count - 1; place is a multiple of
    /// the width.
    void fill(std::size_t place, MatrixView<const float> rows, std::size_t first, std::size_t count);

    std::size_t width() const { return width_; }
    std::size_t cols() const { return cols_; }
    /// Number of vectors, with those of zeros that fill the last panel.
    std::size_t padded() const { return padded_; }
    /// The panel that begins with vector `place`, from a block's first column on.
    const float* at(std::size_t place, std::size_t column) const {
        return values_.data() + padded_ * column + place * block(column);
    }

    static constexpr std::size_t block_columns = kernels::fused_chunk;
    /// Columns of the block that begins there.
    std::size_t block(std::size_t column) const {
        return cols_ - column < block_columns ? cols_ - column : block_columns;
    }

private:
    std::size_t width_ = 0, cols_ = 0, padded_ = 0;
    AlignedBuffer<float> values_;
};

struct Range {
    std::size_t first, last;
};

/// Queries that share what they read of the rows, at best: a multiple of every level's tile_queries.
std::size_t queries_at_once(std::size_t dim);

/// scores[(i - queries.first) * stride + j - rows.first] of query i and row j, as `tile` has it. Ranges begin
/// with a panel, and end with one or are filled up.
void multiply(kernels::Tile* tile, const FloatPanels& queries, Range query_range, const FloatPanels& rows,
              Range row_range, float* scores, std::size_t stride);

}  // namespace hcbir
