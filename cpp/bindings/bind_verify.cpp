#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "hcbir/verify.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {
namespace {

using Points = Array<float>;
using Descriptors = py::object;  // an Array of float or of bytes

LocalFeaturesView features(const std::pair<Points, Descriptors>& pair) {
    const auto& [keypoints, descriptors] = pair;
    LocalFeaturesView view{matrix(keypoints, "keypoints"), {}, {}};
    if (py::isinstance<Array<std::uint8_t>>(descriptors))
        view.binary_descriptors = matrix(py::cast<Array<std::uint8_t>>(descriptors), "descriptors");
    else if (py::isinstance<Array<float>>(descriptors))
        view.float_descriptors = matrix(py::cast<Array<float>>(descriptors), "descriptors");
    else
        throw py::type_error("descriptors must be float32 or uint8");
    return view;
}

VerifyOptions options(GeometricModel model, double max_error, double confidence, std::size_t min_trials,
                      std::size_t max_trials, std::uint64_t seed) {
    return {model, max_error, confidence, min_trials, max_trials, seed};
}

}  // namespace

void bind_verify(py::module_& m) {
    py::native_enum<GeometricModel>(m, "GeometricModel", "enum.Enum")
        .value("similarity", GeometricModel::similarity)
        .value("affine", GeometricModel::affine)
        .value("homography", GeometricModel::homography)
        .finalize();

    m.def(
        "verify",
        [](const Points& points0, const Points& points1, GeometricModel model, double max_error,
           double confidence, std::size_t min_trials, std::size_t max_trials, std::uint64_t seed) {
            const auto p0 = matrix(points0, "points0"), p1 = matrix(points1, "points1");
            Verification verified;
            {
                py::gil_scoped_release unlocked;
                verified =
                    verify(p0, p1, options(model, max_error, confidence, min_trials, max_trials, seed));
            }
            py::array_t<bool> mask(static_cast<py::ssize_t>(verified.inlier_mask.size()));
            std::copy(verified.inlier_mask.begin(), verified.inlier_mask.end(), mask.mutable_data());
            Output<double> matrix3(3, 3);
            std::copy(verified.model.begin(), verified.model.end(), matrix3.view.data);
            return py::make_tuple(verified.num_inliers, mask, matrix3.array, verified.num_trials,
                                  verified.log10_nfa);
        },
        py::arg("points0").noconvert(), py::arg("points1").noconvert(), py::arg("model"),
        py::arg("max_error"), py::arg("confidence"), py::arg("min_trials"), py::arg("max_trials"),
        py::arg("seed"));

    m.def(
        "verify_candidates",
        [](const std::pair<Points, Descriptors>& query,
           const std::vector<std::pair<Points, Descriptors>>& candidates, Metric metric, bool cross_check,
           double max_distance, double max_ratio, GeometricModel model, double max_error, double confidence,
           std::size_t min_trials, std::size_t max_trials, std::uint64_t seed, std::size_t num_threads) {
            const LocalFeaturesView q = features(query);
            std::vector<LocalFeaturesView> views;
            for (const auto& candidate : candidates) views.push_back(features(candidate));
            auto executor = interruptible(num_threads);
            std::vector<CandidateVerification> results(views.size());
            {
                py::gil_scoped_release unlocked;
                verify_candidates(q, views, metric, {cross_check, max_distance, max_ratio},
                                  options(model, max_error, confidence, min_trials, max_trials, seed),
                                  results, executor);
            }
            Array<std::int32_t> num_inliers(static_cast<py::ssize_t>(results.size()));
            Array<double> log10_nfa(static_cast<py::ssize_t>(results.size()));
            for (std::size_t c = 0; c < results.size(); ++c) {
                num_inliers.mutable_data()[c] = results[c].num_inliers;
                log10_nfa.mutable_data()[c] = results[c].log10_nfa;
            }
            return py::make_tuple(num_inliers, log10_nfa);
        },
        py::arg("query"), py::arg("candidates"), py::arg("metric"), py::arg("cross_check"),
        py::arg("max_distance"), py::arg("max_ratio"), py::arg("model"), py::arg("max_error"),
        py::arg("confidence"), py::arg("min_trials"), py::arg("max_trials"), py::arg("seed"),
        py::arg("num_threads"));
}

}  // namespace hcbir::bindings
