#include <pybind11/pybind11.h>

#include "bindings.hpp"
#include "hcbir/version.hpp"

PYBIND11_MODULE(_core, m) {
    m.attr("__version__") = hcbir::version();
    hcbir::bindings::bind_runtime(m);
    hcbir::bindings::bind_search(m);
    hcbir::bindings::bind_match(m);
    hcbir::bindings::bind_kmeans(m);
    hcbir::bindings::bind_pq(m);
    hcbir::bindings::bind_ivf(m);
    hcbir::bindings::bind_verify(m);
    hcbir::bindings::bind_resize(m);
    hcbir::bindings::bind_candidates(m);
    hcbir::bindings::bind_evaluation(m);
}
