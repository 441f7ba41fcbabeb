// What the float scans share: panels for dot_tile, finite input, how far a float dot product may be off.
#pragma once

#include <cstddef>

#include "hcbir/types.hpp"

namespace hcbir {

inline std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Rows first .. first + count - 1 as panels of `width`: panel p holds, for each column, its rows' values
/// side by side; missing rows are zero. `panels` has room for count rounded up to `width` rows.
void pack_panels(MatrixView<const float> rows, std::size_t first, std::size_t count, std::size_t width,
                 float* panels);

/// Throws std::invalid_argument that names the first row with a value that is not finite; the matrix begins
/// at row `first_row` of what has that name.
void require_finite(MatrixView<const float> matrix, const char* name, std::size_t first_row = 0);

constexpr double longest_product = 1e38;    // of two lengths, so that no partial float sum overflows
constexpr double longest_l2 = 9e18;         // of vectors whose squared distances are floats
constexpr float shortest_squared = 1e-30f;  // length that can be divided by

/// Bounds on the error of float sums of products (docs/exact-search.md).
struct DotError {
    double relative;   // of the product of the vectors' lengths; infinite for absurd dimensions
    double underflow;  // to be added

    explicit DotError(std::size_t dim);
    /// Upper bound of a vector's length, given the float sum of its squares.
    double length(float squared) const;
};

}  // namespace hcbir
