#include "scan_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

ScanRows::ScanRows(MatrixView<const float> rows_, Metric metric_, bool is_second, float unit_,
                   const char* name)
    : rows(rows_),
      metric(metric_),
      dim(rows.cols + (metric == Metric::l2 ? 2 : 0)),
      lengths(rows.rows),
      squared(rows.rows),
      unit(unit_),
      is_second_(is_second) {
    kernels::active().squared_norms(rows.data, rows.stride, rows.rows, rows.cols, squared.data());
    const DotError error(rows.cols);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        if (!std::isfinite(squared[i])) require_finite(rows, name);
        double& length = lengths[i] = error.length(squared[i]);
        if (metric == Metric::cosine)
            length = squared[i] == 0 || squared[i] > shortest_squared ? 1 + 4 * error.relative : infinity;
        if (metric == Metric::l2) {
            const double half = length * length / 2 / unit;
            length = std::sqrt(length * length + half * half + double{unit} * unit) * (1 + 1e-12);
        }
    }
}

double ScanRows::longest(std::size_t first, std::size_t count) const {
    const auto begin = lengths.begin() + static_cast<std::ptrdiff_t>(first);
    return *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(count));
}

void ScanRows::pack(std::size_t first, std::size_t count, std::size_t width, float* panels) const {
    for (std::size_t begin = 0; begin < count; begin += width, panels += width * dim) {
        const std::size_t filled = std::min(width, count - begin);
        pack_panels(rows, first + begin, filled, width, panels);
        const float* squares = squared.data() + first + begin;
        if (metric == Metric::cosine) {
            float inverse[64] = {};
            for (std::size_t r = 0; r < filled; ++r)
                inverse[r] = squares[r] > 0 ? 1 / std::sqrt(squares[r]) : 0.0f;
            for (std::size_t c = 0; c < dim; ++c)
                for (std::size_t r = 0; r < width; ++r) panels[c * width + r] *= inverse[r];
        } else if (metric == Metric::l2) {
            float* half = panels + (rows.cols + is_second_) * width;
            float* one = panels + (rows.cols + !is_second_) * width;
            for (std::size_t r = 0; r < width; ++r) {
                half[r] = r < filled ? squares[r] / -2 / unit : 0.0f;
                one[r] = unit;
            }
        }
    }
}

float scan_unit(MatrixView<const float> rows, Metric metric) {
    if (metric != Metric::l2) return 1;
    std::vector<float> squared(rows.rows);
    kernels::active().squared_norms(rows.data, rows.stride, rows.rows, rows.cols, squared.data());
    const float longest = std::sqrt(*std::max_element(squared.begin(), squared.end()));
    return longest > 0 && std::isfinite(longest) ? std::ldexp(1.0f, std::ilogb(longest)) : 1.0f;
}

ScanError::ScanError(const ScanRows& set)
    : error_(set.dim), factor_(set.metric == Metric::dot ? 1 : 3), unit_(std::max(1.0f, set.unit)) {}

double ScanError::bound(double length0, double length1) const {
    if (!(length0 * length1 < longest_product)) return infinity;
    return factor_ * error_.relative * length0 * length1 + 4 * error_.underflow * unit_;
}

}  // namespace hcbir
