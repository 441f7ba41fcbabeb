#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <optional>
#include <tuple>

#include "bindings.hpp"
#include "database_views.hpp"
#include "hcbir/search.hpp"

namespace hcbir::bindings {
namespace {

/// codes, bounds, offsets, as `quantize` returns them, and the reflectors and tail_shift it was given.
using Codes = std::tuple<Array<std::uint8_t>, Array<float>, Array<float>, Array<float>, int>;

ByteCodes views_of(const Codes& codes) {
    const auto& [bytes, bounds, offsets, reflectors, tail_shift] = codes;
    return {matrix(bytes, "codes"),
            matrix(bounds, "bounds"),
            values(offsets, "offsets"),
            {matrix(reflectors, "reflectors"), tail_shift}};
}

}  // namespace

void bind_search(py::module_& m) {
    py::native_enum<Metric>(m, "Metric", "enum.Enum")
        .value("dot", Metric::dot)
        .value("cosine", Metric::cosine)
        .value("l2", Metric::l2)
        .finalize();

    py::native_enum<Precision>(m, "Precision", "enum.Enum")
        .value("auto", Precision::automatic)
        .value("float32", Precision::float32)
        .value("int8", Precision::int8)
        .finalize();

    m.def(
        "search",
        // Enumerations come as numbers: to convert them would take as long as a tenth of a short search.
        [](const Array<float>& queries, const py::array& database, std::size_t k, int metric, int precision,
           const std::optional<Array<std::uint8_t>>& allowed, const std::optional<Codes>& codes,
           std::size_t num_threads) {
            const auto q = matrix(queries, "queries");
            const Database d = database_of(database);
            SearchOptions options{.metric = static_cast<Metric>(metric),
                                  .precision = static_cast<Precision>(precision)};
            if (allowed) options.allowed = values(*allowed, "allowed");
            ByteCodes views;
            if (codes) {
                views = views_of(*codes);
                options.codes = &views;
            }
            return scores_and_indices(q.rows, k, num_threads, [&](auto scores, auto indices, auto& executor) {
                search(q, d, k, options, scores, indices, executor);
            });
        },
        py::arg("queries").noconvert(), py::arg("database").noconvert(), py::arg("k"), py::arg("metric"),
        py::arg("precision"), py::arg("allowed").noconvert(), py::arg("codes").noconvert(),
        py::arg("num_threads"));

    m.def(
        "rank",
        [](const Array<float>& queries, const py::array& database, std::size_t count, int metric,
           const std::optional<Array<std::uint8_t>>& allowed, std::size_t num_threads) {
            const auto q = matrix(queries, "queries");
            const Database d = database_of(database);
            std::span<const std::uint8_t> flags;
            if (allowed) flags = values(*allowed, "allowed");
            return scores_and_indices(
                q.rows, count, num_threads, [&](auto scores, auto indices, auto& executor) {
                    rank(q, d, static_cast<Metric>(metric), flags, scores, indices, executor);
                });
        },
        py::arg("queries").noconvert(), py::arg("database").noconvert(), py::arg("count"), py::arg("metric"),
        py::arg("allowed").noconvert(), py::arg("num_threads"));

    m.def(
        "quantize",
        [](const py::array& database, Metric metric, const Array<float>& reflectors, int tail_shift,
           std::size_t num_threads) {
            const Database d = database_of(database);
            const PrincipalAxes axes{matrix(reflectors, "reflectors"), tail_shift};
            auto executor = interruptible(num_threads);
            Output<std::uint8_t> codes(byte_codes_rows(d.rows), byte_codes_cols(d.cols));
            Output<float> bounds(byte_codes_rows(d.rows), 5);
            Array<float> offsets(metric == Metric::l2 ? d.rows : 0);
            {
                const std::span<float> offsets_view(offsets.mutable_data(),
                                                    static_cast<std::size_t>(offsets.size()));
                py::gil_scoped_release unlocked;
                quantize(d, metric, axes, codes.view, bounds.view, offsets_view, executor);
            }
            return py::make_tuple(codes.array, bounds.array, offsets, reflectors, tail_shift);
        },
        py::arg("database").noconvert(), py::arg("metric"), py::arg("reflectors").noconvert(),
        py::arg("tail_shift"), py::arg("num_threads"));
    m.def(
        "check_codes",
        [](const Codes& codes, const py::array& database, Metric metric) {
            require_codes(views_of(codes), database_of(database), metric);
        },
        py::arg("codes").noconvert(), py::arg("database").noconvert(), py::arg("metric"));
    m.def("is_small", &is_small, py::arg("rows"), py::arg("cols"));

    m.attr("max_byte_codes_dim") = max_byte_codes_dim();
}

}  // namespace hcbir::bindings
