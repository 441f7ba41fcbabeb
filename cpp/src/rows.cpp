#include "rows.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {

Rows::Rows(const Database& database, std::span<const std::uint8_t> allowed) : database_(database) {
    for (std::size_t i = 0; i < allowed.size(); ++i)
        if (allowed[i] != 0) chosen_.push_back(static_cast<std::int64_t>(i));
}

const void* Rows::start(std::size_t i) const {
    const std::size_t size = database_.type == ElementType::float32 ? 4 : 2;
    return static_cast<const char*>(database_.data) +
           static_cast<std::size_t>(index(i)) * database_.stride * size;
}

MatrixView<const float> Rows::floats(std::size_t first, std::size_t count,
                                     AlignedBuffer<float>& buffer) const {
    const std::size_t cols = database_.cols, stride = database_.stride;
    if (lie_as_floats())
        return {static_cast<const float*>(database_.data) + first * stride, count, cols, stride};
    buffer.reserve(count * cols);
    const auto& kernels = kernels::active();
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t start = static_cast<std::size_t>(index(first + i)) * stride;
        float* to = buffer.data() + i * cols;
        switch (database_.type) {
            case ElementType::float32:
                std::memcpy(to, static_cast<const float*>(database_.data) + start, cols * sizeof(float));
                break;
            case ElementType::float16:
                kernels.widen_half(static_cast<const std::uint16_t*>(database_.data) + start, cols, to);
                break;
            case ElementType::bfloat16:
                kernels.widen_bfloat(static_cast<const std::uint16_t*>(database_.data) + start, cols, to);
                break;
        }
    }
    return {buffer.data(), count, cols, cols};
}

void Rows::require_finite() const {
    AlignedBuffer<float> buffer;
    for (std::size_t i = 0; i < size(); ++i)
        hcbir::require_finite(floats(i, 1, buffer), "database", static_cast<std::size_t>(index(i)));
}

}  // namespace hcbir
