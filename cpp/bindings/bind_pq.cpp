#include <pybind11/stl.h>

#include <optional>

#include "bindings.hpp"
#include "hcbir/pq.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

void bind_pq(py::module_& m) {
    m.def(
        "train_pq",
        [](const Array<float>& vectors, std::size_t num_subquantizers, unsigned bits,
           std::size_t num_iterations, std::size_t max_vectors_per_centroid, std::uint64_t seed,
           std::size_t num_threads) {
            const auto v = matrix(vectors, "vectors");
            auto executor = interruptible(num_threads);
            Output<float> centroids(num_subquantizers << bits, v.cols / num_subquantizers);
            double mean_squared_distance = 0;
            {
                py::gil_scoped_release unlocked;
                mean_squared_distance =
                    train_pq(v, {num_subquantizers, bits, num_iterations, max_vectors_per_centroid, seed},
                             centroids.view, executor);
            }
            return py::make_tuple(centroids.array, mean_squared_distance);
        },
        py::arg("vectors").noconvert(), py::arg("num_subquantizers"), py::arg("bits"),
        py::arg("num_iterations"), py::arg("max_vectors_per_centroid"), py::arg("seed"),
        py::arg("num_threads"));

    py::class_<ProductQuantizer>(m, "ProductQuantizer")
        .def(py::init([](const Array<float>& centroids, std::size_t num_subquantizers, unsigned bits) {
                 return std::make_unique<ProductQuantizer>(matrix(centroids, "centroids"), num_subquantizers,
                                                           bits);
             }),
             py::arg("centroids").noconvert(), py::arg("num_subquantizers"), py::arg("bits"))
        .def(
            "encode",
            [](const ProductQuantizer& self, const Array<float>& vectors, std::size_t num_threads) {
                const auto v = matrix(vectors, "vectors");
                auto executor = interruptible(num_threads);
                Output<std::uint8_t> codes(v.rows, self.code_size());
                {
                    py::gil_scoped_release unlocked;
                    self.encode(v, codes.view, executor);
                }
                return codes.array;
            },
            py::arg("vectors").noconvert(), py::arg("num_threads"))
        .def(
            "decode",
            [](const ProductQuantizer& self, const Array<std::uint8_t>& codes, std::size_t num_threads) {
                const auto c = matrix(codes, "codes");
                auto executor = interruptible(num_threads);
                Output<float> vectors(c.rows, self.dim());
                {
                    py::gil_scoped_release unlocked;
                    self.decode(c, vectors.view, executor);
                }
                return vectors.array;
            },
            py::arg("codes").noconvert(), py::arg("num_threads"))
        .def(
            "search",
            [](const ProductQuantizer& self, const Array<float>& queries, const Array<std::uint8_t>& codes,
               std::size_t k, Metric metric, const std::optional<Array<std::uint8_t>>& allowed,
               std::size_t num_threads) {
                const auto q = matrix(queries, "queries");
                const auto c = matrix(codes, "codes");
                PQSearchOptions options{.metric = metric};
                if (allowed) options.allowed = values(*allowed, "allowed");
                auto executor = interruptible(num_threads);
                Output<float> scores(q.rows, k);
                Output<std::int64_t> indices(q.rows, k);
                {
                    py::gil_scoped_release unlocked;
                    search(self, q, c, k, options, scores.view, indices.view, executor);
                }
                return py::make_tuple(scores.array, indices.array);
            },
            py::arg("queries").noconvert(), py::arg("codes").noconvert(), py::arg("k"), py::arg("metric"),
            py::arg("allowed").noconvert(), py::arg("num_threads"));
}

}  // namespace hcbir::bindings
