#include "bindings.hpp"
#include "hcbir/resize.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

void bind_resize(py::module_& m) {
    m.def(
        "resize_bicubic",
        [](const Array<std::uint32_t>& pixels, float box_width, float box_height, std::size_t width,
           std::size_t height) {
            const auto source = matrix(pixels, "pixels");
            py::array_t<std::uint8_t> resized({height, width, std::size_t{3}});
            const MatrixView<std::uint8_t> target(resized.mutable_data(), height, 3 * width);
            {
                py::gil_scoped_release unlocked;
                resize_bicubic(source, {box_width, box_height}, target);
            }
            return resized;
        },
        py::arg("pixels").noconvert(), py::arg("box_width"), py::arg("box_height"), py::arg("width"),
        py::arg("height"));
}

}  // namespace hcbir::bindings
