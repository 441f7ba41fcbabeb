#include "panels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "transpose.hpp"

namespace hcbir {
namespace {

constexpr double unit_roundoff = 0x1p-24, smallest_float = 0x1p-149;
constexpr std::size_t line_columns = 16;  // of a cache line

}  // namespace

void pack_panels(MatrixView<const float> rows, std::size_t first, std::size_t count, std::size_t width,
                 float* panels) {
    for (std::size_t begin = 0; begin < count; begin += width, panels += width * rows.cols) {
        const std::size_t filled = std::min(width, count - begin);
        if (filled < width) std::fill_n(panels, width * rows.cols, 0.0f);
        const std::size_t fours = filled / 4 * 4, square = rows.cols / 4 * 4;
        // A cache line of each row at a time: rows of some lengths all fall into the same few places of a
        // cache.
        for (std::size_t line = 0; line < square; line += line_columns)
            for (std::size_t r = 0; r < fours; r += 4)
                for (std::size_t c = line; c < std::min(line + line_columns, square); c += 4)
                    transpose4(rows.row(first + begin + r) + c, rows.stride, panels + c * width + r, width);
        for (std::size_t r = 0; r < filled; ++r) {
            const float* row = rows.row(first + begin + r);
            for (std::size_t c = r < fours ? square : 0; c < rows.cols; ++c) panels[c * width + r] = row[c];
        }
    }
}

void require_finite(MatrixView<const float> matrix, const char* name, std::size_t first_row) {
    for (std::size_t r = 0; r < matrix.rows; ++r) {
        bool finite = true;
        for (const float x : matrix.row_span(r)) finite &= std::abs(x) <= std::numeric_limits<float>::max();
        for (std::size_t c = 0; !finite && c < matrix.cols; ++c)
            if (!std::isfinite(matrix.row(r)[c]))
                throw std::invalid_argument(std::string(name) + " must be finite, got " +
                                            std::to_string(matrix.row(r)[c]) + " in row " +
                                            std::to_string(first_row + r));
    }
}

DotError::DotError(std::size_t dim) {
    const double n = (static_cast<double>(dim) + 4) * unit_roundoff;
    relative = n < 0.25 ? n / (1 - n) : std::numeric_limits<double>::infinity();
    underflow = smallest_float * static_cast<double>(dim);
}

double DotError::length(float squared) const { return std::sqrt((squared + underflow) * (1 + 2 * relative)); }

}  // namespace hcbir
