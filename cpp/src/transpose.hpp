// Four rows of four 32-bit values, turned over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hcbir {

/// Rows lie from_stride apart, and to_stride in the target.
template <class T>
void transpose4(const T* from, std::size_t from_stride, T* to, std::size_t to_stride) {
    static_assert(sizeof(T) == 4);
    typedef std::uint32_t Vec4 __attribute__((vector_size(16)));
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

}  // namespace hcbir
