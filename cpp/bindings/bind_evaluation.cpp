#include "bindings.hpp"

namespace hcbir::bindings {

void bind_evaluation(pybind11::module_&) {}

}  // namespace hcbir::bindings
