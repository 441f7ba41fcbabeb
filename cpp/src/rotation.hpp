// A rotation of rows and queries before they are rounded to bytes: it leaves dot products alone, and no
// column is much larger than the others, as rounding by one step for all wants it.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "hcbir/search.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

/// To the principal axes first, where there are any, and then by Hadamard's transform: of the columns along
/// them and of the rest apart, the rest made 2^shift times as large. Else of all columns.
class Rotation {
public:
    explicit Rotation(std::size_t dim, const PrincipalAxes& axes = {});

    /// Rows rotated into the buffer, which grows as needed; as they are where dim < 16.
    MatrixView<const float> apply(MatrixView<const float> rows, AlignedBuffer<float>& buffer) const;

    /// Bound of the length of what rounding changed, as a share of the row's length.
    double rounding() const { return rounding_; }

private:
    struct Part {
        std::size_t first, count;
        std::size_t size;  // of the transform: the largest power of 2 up to count
        float scale;
    };
    void reflect(MatrixView<const float> rows, float* reflected) const;

    const kernels::Table& kernels_ = kernels::active();
    std::vector<double> reflectors_, factors_;  // as reflect_rows takes them
    std::vector<Part> parts_;
    double rounding_ = 0;
    AlignedBuffer<float> signs_;  // and scale of the rest
};

}  // namespace hcbir
