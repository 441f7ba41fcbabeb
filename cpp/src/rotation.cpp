#include "rotation.hpp"

#include <bit>
#include <cmath>

#include "random.hpp"

namespace hcbir {

Rotation::Rotation(std::size_t dim) : size_(dim < 16 ? 0 : std::bit_floor(dim)), signs_(dim) {
    CounterRandom random(0, 0);
    for (std::size_t c = 0; c < dim; ++c) signs_[c] = random.below(2) ? -1.0f : 1.0f;
    if (size_ == 0) return;
    scale_ = static_cast<float>(1 / std::sqrt(static_cast<double>(size_)));
    // Each step of the transform rounds once; so do the scale and the product with it; done twice where the
    // transform is shorter than the row.
    rounding_ = 2 * (std::log2(static_cast<double>(size_)) + 4) * 0x1p-24;
}

MatrixView<const float> Rotation::apply(MatrixView<const float> rows, AlignedBuffer<float>& buffer) const {
    if (size_ == 0) return rows;
    buffer.reserve(rows.rows * rows.cols);
    for (std::size_t r = 0; r < rows.rows; ++r)
        kernels_.rotate_row(rows.row(r), signs_.data(), rows.cols, size_, scale_,
                            buffer.data() + r * rows.cols);
    return {buffer.data(), rows.rows, rows.cols};
}

}  // namespace hcbir
