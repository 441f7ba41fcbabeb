// One function a file: each adds its operation to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace hcbir::bindings {

void bind_candidates(pybind11::module_& m);
void bind_evaluation(pybind11::module_& m);
void bind_ivf(pybind11::module_& m);
void bind_kmeans(pybind11::module_& m);
void bind_match(pybind11::module_& m);
void bind_pq(pybind11::module_& m);
void bind_resize(pybind11::module_& m);
void bind_runtime(pybind11::module_& m);
void bind_search(pybind11::module_& m);
void bind_verify(pybind11::module_& m);

}  // namespace hcbir::bindings
