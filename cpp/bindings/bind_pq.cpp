#include <pybind11/stl.h>

#include <optional>

#include "bindings.hpp"
#include "database_views.hpp"
#include "hcbir/pq.hpp"
#include "hcbir/rerank.hpp"

namespace hcbir::bindings {

void bind_pq(py::module_& m) {
    m.def(
        "train_pq",
        [](const Array<float>& vectors, std::size_t num_subquantizers, unsigned bits,
           std::size_t num_iterations, std::size_t max_vectors_per_centroid, std::uint64_t seed,
           const std::optional<Array<float>>& initial, std::size_t num_threads) {
            const auto v = matrix(vectors, "vectors");
            auto executor = interruptible(num_threads);
            Output<float> centroids(num_subquantizers << bits, v.cols / num_subquantizers);
            double mean_squared_distance = 0;
            PQTrainOptions options{num_subquantizers, bits, num_iterations, max_vectors_per_centroid, seed};
            if (initial) options.initial = matrix(*initial, "initial");
            {
                py::gil_scoped_release unlocked;
                mean_squared_distance = train_pq(v, options, centroids.view, executor);
            }
            return py::make_tuple(centroids.array, mean_squared_distance);
        },
        py::arg("vectors").noconvert(), py::arg("num_subquantizers"), py::arg("bits"),
        py::arg("num_iterations"), py::arg("max_vectors_per_centroid"), py::arg("seed"),
        py::arg("initial").noconvert(), py::arg("num_threads"));

    m.def(
        "rerank",
        [](const Array<float>& queries, const py::array& vectors, const std::optional<Array<float>>& factors,
           const Array<std::int64_t>& candidates, std::size_t k, Metric metric, std::size_t num_threads) {
            const auto q = matrix(queries, "queries");
            const auto c = matrix(candidates, "candidates");
            FullVectors full;
            if (factors) {
                full.bytes = matrix(Array<std::int8_t>(vectors), "rerank");
                full.factors = values(*factors, "factors");
            } else {
                full.floats = database_of(vectors);
            }
            return scores_and_indices(q.rows, k, num_threads, [&](auto scores, auto indices, auto& executor) {
                rerank(q, full, c, k, metric, scores, indices, executor);
            });
        },
        py::arg("queries").noconvert(), py::arg("vectors").noconvert(), py::arg("factors").noconvert(),
        py::arg("candidates").noconvert(), py::arg("k"), py::arg("metric"), py::arg("num_threads"));

    m.def(
        "rotate",
        [](const Array<float>& vectors, const Array<float>& rotation, std::size_t num_threads) {
            const auto v = matrix(vectors, "vectors");
            const auto r = matrix(rotation, "rotation");
            auto executor = interruptible(num_threads);
            Output<float> rotated(v.rows, r.rows);
            {
                py::gil_scoped_release unlocked;
                rotate(v, r, rotated.view, executor);
            }
            return rotated.array;
        },
        py::arg("vectors").noconvert(), py::arg("rotation").noconvert(), py::arg("num_threads"));

    py::class_<ProductQuantizer>(m, "ProductQuantizer")
        .def(py::init([](const Array<float>& centroids, std::size_t num_subquantizers, unsigned bits) {
                 return std::make_unique<ProductQuantizer>(matrix(centroids, "centroids"), num_subquantizers,
                                                           bits);
             }),
             py::arg("centroids").noconvert(), py::arg("num_subquantizers"), py::arg("bits"))
        .def(
            "encode",
            [](const ProductQuantizer& self, const Array<float>& vectors,
               const std::optional<double>& anisotropic, std::size_t num_threads) {
                const auto v = matrix(vectors, "vectors");
                auto executor = interruptible(num_threads);
                Output<std::uint8_t> codes(v.rows, self.code_size());
                {
                    py::gil_scoped_release unlocked;
                    if (anisotropic)
                        encode_anisotropic(self, v, *anisotropic, codes.view, executor);
                    else
                        self.encode(v, codes.view, executor);
                }
                return codes.array;
            },
            py::arg("vectors").noconvert(), py::arg("anisotropic"), py::arg("num_threads"))
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
                return scores_and_indices(q.rows, k, num_threads,
                                          [&](auto scores, auto indices, auto& executor) {
                                              search(self, q, c, k, options, scores, indices, executor);
                                          });
            },
            py::arg("queries").noconvert(), py::arg("codes").noconvert(), py::arg("k"), py::arg("metric"),
            py::arg("allowed").noconvert(), py::arg("num_threads"))
        .def(
            "search_packed",
            [](const ProductQuantizer& self, const Array<float>& queries, const Array<std::uint8_t>& packed,
               std::size_t num_codes, std::size_t k, Metric metric,
               const std::optional<Array<std::uint8_t>>& allowed, std::size_t num_threads) {
                const auto q = matrix(queries, "queries");
                const PackedCodes codes(values(packed, "packed"), self.code_size(), num_codes);
                PQSearchOptions options{.metric = metric};
                if (allowed) options.allowed = values(*allowed, "allowed");
                return scores_and_indices(q.rows, k, num_threads,
                                          [&](auto scores, auto indices, auto& executor) {
                                              search(self, q, codes, k, options, scores, indices, executor);
                                          });
            },
            py::arg("queries").noconvert(), py::arg("packed").noconvert(), py::arg("num_codes"), py::arg("k"),
            py::arg("metric"), py::arg("allowed").noconvert(), py::arg("num_threads"));

    m.def(
        "pack_codes",
        [](const Array<std::uint8_t>& codes, std::size_t num_threads) {
            const auto c = matrix(codes, "codes");
            auto executor = interruptible(num_threads);
            Array<std::uint8_t> packed(PackedCodes::bytes(c.cols, c.rows));
            const std::span<std::uint8_t> out{packed.mutable_data(), static_cast<std::size_t>(packed.size())};
            {
                py::gil_scoped_release unlocked;
                pack(c, out, executor);
            }
            return packed;
        },
        py::arg("codes").noconvert(), py::arg("num_threads"));

    m.def(
        "unpack_codes",
        [](const Array<std::uint8_t>& packed, std::size_t code_size, std::size_t num_codes, std::size_t first,
           std::size_t count) {
            const PackedCodes view(values(packed, "packed"), code_size, num_codes);
            Output<std::uint8_t> codes(count, code_size);
            {
                py::gil_scoped_release unlocked;
                view.unpack(first, codes.view);
            }
            return codes.array;
        },
        py::arg("packed").noconvert(), py::arg("code_size"), py::arg("num_codes"), py::arg("first"),
        py::arg("count"));
}

}  // namespace hcbir::bindings
