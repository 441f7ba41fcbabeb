#include "rotation.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "hcbir/error.hpp"
#include "panels.hpp"
#include "random.hpp"

namespace hcbir {

Rotation::Rotation(std::size_t dim, const PrincipalAxes& axes) : factors_(axes.reflectors.rows), signs_(dim) {
    CounterRandom random(0, 0);
    for (std::size_t c = 0; c < dim; ++c) signs_[c] = random.below(2) ? -1.0f : 1.0f;
    const auto add_part = [&](std::size_t first, std::size_t count) {
        if (count < 16) return;
        const std::size_t size = std::bit_floor(count);
        const double root = std::sqrt(static_cast<double>(size));
        parts_.push_back({first, count, size, static_cast<float>(1 / root)});
        // Each step of the transform rounds once; so do the scale and the product with it; done twice where
        // the transform is shorter than the row.
        rounding_ = std::max(rounding_, 2 * (std::log2(static_cast<double>(size)) + 4) * 0x1p-24);
    };
    const std::size_t head = factors_.size();
    if (head == 0) {
        add_part(0, dim);
        return;
    }
    add_part(0, head);
    add_part(head, dim - head);
    for (std::size_t c = head; c < dim; ++c) signs_[c] = std::ldexp(signs_[c], axes.tail_shift);
    const std::size_t padded = ceil_div(dim, 4) * 4;
    reflectors_.resize(head * padded);
    for (std::size_t i = 0; i < head; ++i) {
        const float* v = axes.reflectors.row(i);
        const double squared = kernels_.dot_f64(v, v, dim);
        require(squared > 1e-3 && squared < 1e3, "reflectors", "rows of a length of about 1",
                "row " + std::to_string(i) + " of length " + std::to_string(std::sqrt(squared)));
        factors_[i] = 2 / squared;
        std::copy_n(v, dim, reflectors_.data() + i * padded);
    }
    // A reflection in double, 4 dim + 60 roundings at most; and one to float.
    rounding_ += 0x1p-24 + static_cast<double>(head * (4 * dim + 60)) * 0x1p-53;
}

MatrixView<const float> Rotation::apply(MatrixView<const float> rows, AlignedBuffer<float>& buffer) const {
    if (parts_.empty()) return rows;
    const std::size_t size = rows.rows * rows.cols;
    buffer.reserve(factors_.empty() ? size : 2 * size);
    MatrixView<const float> turned = rows;
    if (!factors_.empty()) {
        reflect(rows, buffer.data() + size);
        turned = {buffer.data() + size, rows.rows, rows.cols};
    }
    for (std::size_t r = 0; r < rows.rows; ++r)
        for (const Part& part : parts_)
            kernels_.rotate_row(turned.row(r) + part.first, signs_.data() + part.first, part.count, part.size,
                                part.scale, buffer.data() + r * rows.cols + part.first);
    return {buffer.data(), rows.rows, rows.cols};
}

void Rotation::reflect(MatrixView<const float> rows, float* reflected) const {
    constexpr std::size_t step = kernels::reflected_rows;
    AlignedBuffer<double> work(step * (rows.cols + 3));
    for (std::size_t r = 0; r < rows.rows; r += step)
        kernels_.reflect_rows(rows.row(r), rows.stride, std::min(step, rows.rows - r), rows.cols,
                              reflectors_.data(), factors_.data(), factors_.size(), work.data(),
                              reflected + r * rows.cols);
}

}  // namespace hcbir
