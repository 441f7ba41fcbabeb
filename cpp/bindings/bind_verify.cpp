#include "bindings.hpp"

namespace hcbir::bindings {

void bind_verify(pybind11::module_&) {}

}  // namespace hcbir::bindings
