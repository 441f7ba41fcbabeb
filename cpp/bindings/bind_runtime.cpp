#include <pybind11/stl.h>

#include "bindings.hpp"
#include "hcbir/error.hpp"
#include "hcbir/isa.hpp"
#include "hcbir/parallel.hpp"

namespace hcbir::bindings {

namespace py = pybind11;

void bind_runtime(py::module_& m) {
    py::register_exception<FormatError>(m, "FormatError", PyExc_ValueError);
    m.def("available_isas", &available_isas);
    m.def("isa", &isa);
    m.def("use_isa", [](const std::string& name) { use_isa(name); }, py::arg("name"));
    m.def("default_num_threads", &default_num_threads);
}

}  // namespace hcbir::bindings
