#include "bindings.hpp"
#include "hcbir/match.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {
namespace {

py::tuple to_arrays(const std::vector<Match>& matches) {
    Output<std::int32_t> indices(matches.size(), 2);
    Array<float> scores(static_cast<py::ssize_t>(matches.size()));
    for (std::size_t i = 0; i < matches.size(); ++i) {
        indices.view.row(i)[0] = matches[i].index0;
        indices.view.row(i)[1] = matches[i].index1;
        scores.mutable_data()[i] = matches[i].score;
    }
    return py::make_tuple(indices.array, scores);
}

}  // namespace

void bind_match(py::module_& m) {
    m.def(
        "match_float",
        [](const Array<float>& descriptors0, const Array<float>& descriptors1, Metric metric,
           bool cross_check, double max_distance, double max_ratio, std::size_t num_threads) {
            const auto d0 = matrix(descriptors0, "descriptors0"), d1 = matrix(descriptors1, "descriptors1");
            auto executor = interruptible(num_threads);
            std::vector<Match> matches;
            {
                py::gil_scoped_release unlocked;
                matches = match(d0, d1, metric, {cross_check, max_distance, max_ratio}, executor);
            }
            return to_arrays(matches);
        },
        py::arg("descriptors0").noconvert(), py::arg("descriptors1").noconvert(), py::arg("metric"),
        py::arg("cross_check"), py::arg("max_distance"), py::arg("max_ratio"), py::arg("num_threads"));

    m.def(
        "match_binary",
        [](const Array<std::uint8_t>& descriptors0, const Array<std::uint8_t>& descriptors1, bool cross_check,
           double max_distance, double max_ratio, std::size_t num_threads) {
            const auto d0 = matrix(descriptors0, "descriptors0"), d1 = matrix(descriptors1, "descriptors1");
            auto executor = interruptible(num_threads);
            std::vector<Match> matches;
            {
                py::gil_scoped_release unlocked;
                matches = match(d0, d1, {cross_check, max_distance, max_ratio}, executor);
            }
            return to_arrays(matches);
        },
        py::arg("descriptors0").noconvert(), py::arg("descriptors1").noconvert(), py::arg("cross_check"),
        py::arg("max_distance"), py::arg("max_ratio"), py::arg("num_threads"));
}

}  // namespace hcbir::bindings
