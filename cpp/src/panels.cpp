#include "panels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace hcbir {
namespace {

constexpr double unit_roundoff = 0x1p-24, smallest_float = 0x1p-149;

}  // namespace

void pack_panels(MatrixView<const float> rows, std::size_t first, std::size_t count, std::size_t width,
                 float* panels) {
    constexpr std::size_t step = 16;  // columns at a time: a cache line of each row
    for (std::size_t begin = 0; begin < count; begin += width, panels += width * rows.cols) {
        const std::size_t filled = std::min(width, count - begin);
        if (filled < width) std::fill_n(panels, width * rows.cols, 0.0f);
        for (std::size_t left = 0; left < rows.cols; left += step) {
            const std::size_t right = std::min(left + step, rows.cols);
            for (std::size_t r = 0; r < filled; ++r) {
                const float* row = rows.row(first + begin + r);
                for (std::size_t c = left; c < right; ++c) panels[c * width + r] = row[c];
            }
        }
    }
}

void require_finite(MatrixView<const float> matrix, const char* name) {
    for (std::size_t r = 0; r < matrix.rows; ++r)
        for (std::size_t c = 0; c < matrix.cols; ++c)
            if (!std::isfinite(matrix.row(r)[c]))
                throw std::invalid_argument(std::string(name) + " must be finite, got " +
                                            std::to_string(matrix.row(r)[c]) + " in row " +
                                            std::to_string(r));
}

DotError::DotError(std::size_t dim) {
    const double n = (static_cast<double>(dim) + 4) * unit_roundoff;
    relative = n < 0.25 ? n / (1 - n) : std::numeric_limits<double>::infinity();
    underflow = smallest_float * static_cast<double>(dim);
}

double DotError::length(float squared) const { return std::sqrt((squared + underflow) * (1 + 2 * relative)); }

}  // namespace hcbir
