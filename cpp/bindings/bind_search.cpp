#include <pybind11/native_enum.h>

#include "bindings.hpp"
#include "hcbir/search.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

void bind_search(py::module_& m) {
    py::native_enum<Metric>(m, "Metric", "enum.Enum")
        .value("dot", Metric::dot)
        .value("cosine", Metric::cosine)
        .value("l2", Metric::l2)
        .finalize();

    m.def(
        "search",
        [](const Array<float>& queries, const Array<float>& database, std::size_t k, Metric metric,
           std::size_t num_threads) {
            const auto q = matrix(queries, "queries"), d = matrix(database, "database");
            auto executor = interruptible(num_threads);
            Output<float> scores(q.rows, k);
            Output<std::int64_t> indices(q.rows, k);
            {
                py::gil_scoped_release unlocked;
                search(q, d, k, metric, scores.view, indices.view, executor);
            }
            return py::make_tuple(scores.array, indices.array);
        },
        py::arg("queries").noconvert(), py::arg("database").noconvert(), py::arg("k"), py::arg("metric"),
        py::arg("num_threads"));
}

}  // namespace hcbir::bindings
