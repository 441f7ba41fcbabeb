#include <pybind11/stl.h>

#include "bindings.hpp"
#include "hcbir/ivf.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

void bind_ivf(py::module_& m) {
    using Part = std::tuple<Array<std::uint8_t>, Array<std::int64_t>, Array<std::int64_t>>;
    m.def(
        "search_lists",
        [](const ProductQuantizer& quantizer, const Array<float>& centroids, const std::vector<Part>& parts,
           Metric metric, const Array<float>& queries, const Array<std::int64_t>& probes, std::size_t k,
           std::size_t num_threads) {
            std::vector<InvertedLists> lists;
            for (const auto& [codes, ids, offsets] : parts)
                lists.push_back({matrix(codes, "codes"), values(ids, "ids"), values(offsets, "offsets")});
            const IvfView index{quantizer, matrix(centroids, "centroids"), lists, metric};
            const auto q = matrix(queries, "queries");
            const auto p = matrix(probes, "probes");
            auto executor = interruptible(num_threads);
            Output<float> scores(q.rows, k);
            Output<std::int64_t> indices(q.rows, k);
            {
                py::gil_scoped_release unlocked;
                search(index, q, p, k, scores.view, indices.view, executor);
            }
            return py::make_tuple(scores.array, indices.array);
        },
        py::arg("quantizer"), py::arg("centroids").noconvert(), py::arg("parts"), py::arg("metric"),
        py::arg("queries").noconvert(), py::arg("probes").noconvert(), py::arg("k"), py::arg("num_threads"));
}

}  // namespace hcbir::bindings
