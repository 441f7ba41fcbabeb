#include "panels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

namespace hcbir {
namespace {

constexpr double unit_roundoff = 0x1p-24, smallest_float = 0x1p-149;
constexpr std::size_t line_columns = 16;  // of a cache line

typedef float Vec4 __attribute__((vector_size(16)));

/// A block of 4 rows and 4 columns turned over; rows lie from_stride apart, and to_stride in the target.
void transpose4(const float* from, std::size_t from_stride, float* to, std::size_t to_stride) {
    Vec4 r[4];
    for (std::size_t i = 0; i < 4; ++i) std::memcpy(&r[i], from + i * from_stride, sizeof r[i]);
    const Vec4 low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    const Vec4 high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    const Vec4 low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    const Vec4 high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    const Vec4 columns[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                             __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                             __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                             __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
    for (std::size_t i = 0; i < 4; ++i) std::memcpy(to + i * to_stride, &columns[i], sizeof columns[i]);
}

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
    for (std::size_t r = 0; r < matrix.rows; ++r)
        for (std::size_t c = 0; c < matrix.cols; ++c)
            if (!std::isfinite(matrix.row(r)[c]))
                throw std::invalid_argument(std::string(name) + " must be finite, got " +
                                            std::to_string(matrix.row(r)[c]) + " in row " +
                                            std::to_string(first_row + r));
}

DotError::DotError(std::size_t dim) {
    const double n = (static_cast<double>(dim) + 4) * unit_roundoff;
    relative = n < 0.25 ? n / (1 - n) : std::numeric_limits<double>::infinity();
    underflow = smallest_float * static_cast<double>(dim);
}

double DotError::length(float squared) const { return std::sqrt((squared + underflow) * (1 + 2 * relative)); }

}  // namespace hcbir
