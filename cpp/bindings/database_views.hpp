// Databases of any element type as views.
#pragma once

#include "hcbir/search.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

/// float32, float16, or uint16, which stands for bfloat16; the facade has checked the layout.
inline Database database_of(const py::array& array) {
    const auto view = [&]<class T>(ElementType type) {
        const auto m = matrix(py::reinterpret_borrow<Array<T>>(array), "database");
        return Database(m.data, m.rows, m.cols, m.stride, type);
    };
    if (py::isinstance<Array<float>>(array)) return view.operator()<float>(ElementType::float32);
    if (py::isinstance<Array<std::uint16_t>>(array))
        return view.operator()<std::uint16_t>(ElementType::bfloat16);
    if (array.dtype().kind() == 'e' || (array.dtype().kind() == 'f' && array.itemsize() == 2)) {
        const auto halves = array.attr("view")("uint16").cast<Array<std::uint16_t>>();
        const auto m = matrix(halves, "database");
        return {m.data, m.rows, m.cols, m.stride, ElementType::float16};
    }
    throw py::type_error("database must be float32, float16 or bfloat16");
}

}  // namespace hcbir::bindings
