#include <pybind11/stl.h>

#include "bindings.hpp"
#include "hcbir/ivf.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

void bind_ivf(py::module_& m) {
    using Part = std::tuple<Array<std::uint8_t>, Array<std::int64_t>, Array<std::int64_t>, Array<float>>;
    m.def(
        "search_lists",
        [](const ProductQuantizer& quantizer, const Array<float>& centroids, const std::vector<Part>& parts,
           Metric metric, const Array<float>& origin, const Array<float>& queries,
           const Array<std::int64_t>& probes, std::size_t k, std::size_t num_threads) {
            std::vector<InvertedLists> lists;
            for (const auto& [codes, ids, offsets, terms] : parts)
                lists.push_back({matrix(codes, "codes"), values(ids, "ids"), values(offsets, "offsets"),
                                 values(terms, "terms")});
            const IvfView index{quantizer, matrix(centroids, "centroids"), lists, metric,
                                values(origin, "origin")};
            const auto q = matrix(queries, "queries");
            const auto p = matrix(probes, "probes");
            return scores_and_indices(q.rows, k, num_threads, [&](auto scores, auto indices, auto& executor) {
                search(index, q, p, k, scores, indices, executor);
            });
        },
        py::arg("quantizer"), py::arg("centroids").noconvert(), py::arg("parts"), py::arg("metric"),
        py::arg("origin").noconvert(), py::arg("queries").noconvert(), py::arg("probes").noconvert(),
        py::arg("k"), py::arg("num_threads"));

    m.def(
        "list_terms",
        [](const ProductQuantizer& quantizer, const Array<float>& centroids, const Array<float>& origin,
           const Array<std::uint8_t>& codes, const Array<std::int64_t>& lists, std::size_t num_threads) {
            const IvfView index{
                quantizer, matrix(centroids, "centroids"), {}, Metric::l2, values(origin, "origin")};
            const auto c = matrix(codes, "codes");
            const auto l = values(lists, "lists");
            auto executor = interruptible(num_threads);
            py::array_t<float> terms(static_cast<py::ssize_t>(c.rows));
            const std::span<float> written(terms.mutable_data(), c.rows);
            {
                py::gil_scoped_release unlocked;
                list_terms(index, c, l, written, executor);
            }
            return terms;
        },
        py::arg("quantizer"), py::arg("centroids").noconvert(), py::arg("origin").noconvert(),
        py::arg("codes").noconvert(), py::arg("lists").noconvert(), py::arg("num_threads"));
}

}  // namespace hcbir::bindings
