// A fixed rotation of rows and queries before they are rounded to bytes: it leaves dot products alone, and no
// column is much larger than the others, as rounding by one step for all wants it.
#pragma once

#include <cstdint>

#include "aligned.hpp"
#include "hcbir/types.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

class Rotation {
public:
    explicit Rotation(std::size_t dim);

    /// Rows as they are where dim < 16, else rotated into the buffer, which grows as needed.
    MatrixView<const float> apply(MatrixView<const float> rows, AlignedBuffer<float>& buffer) const;

    /// Bound of the length of what rounding changed, as a share of the row's length.
    double rounding() const { return rounding_; }

private:
    const kernels::Table& kernels_ = kernels::active();
    std::size_t size_;  // of the transform: the largest power of 2 up to dim, or 0
    float scale_ = 1;
    double rounding_ = 0;
    AlignedBuffer<float> signs_;
};

}  // namespace hcbir
