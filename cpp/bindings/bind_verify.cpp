#include <pybind11/native_enum.h>

#include "bindings.hpp"
#include "hcbir/verify.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {
namespace {

VerifyOptions options(GeometricModel model, double max_error, double confidence, std::size_t min_trials,
                      std::size_t max_trials, std::uint64_t seed, bool one_to_one, bool exhaustive) {
    return {model, max_error, confidence, min_trials, max_trials, seed, one_to_one, exhaustive};
}

}  // namespace

void bind_verify(py::module_& m) {
    py::native_enum<GeometricModel>(m, "GeometricModel", "enum.Enum")
        .value("similarity", GeometricModel::similarity)
        .value("affine", GeometricModel::affine)
        .value("homography", GeometricModel::homography)
        .finalize();

    // frames: scales0, orientations0, scales1, orientations1, or no rows.
    m.def(
        "verify",
        [](const Array<float>& points0, const Array<float>& points1, const Array<float>& frames,
           GeometricModel model, double max_error, double confidence, std::size_t min_trials,
           std::size_t max_trials, std::uint64_t seed, bool one_to_one, bool exhaustive) {
            const auto p0 = matrix(points0, "points0"), p1 = matrix(points1, "points1"),
                       f = matrix(frames, "frames");
            Verification verified;
            {
                py::gil_scoped_release unlocked;
                const auto given = options(model, max_error, confidence, min_trials, max_trials, seed,
                                           one_to_one, exhaustive);
                const auto row = [&](std::size_t r) { return std::span(f.row(r), f.cols); };
                verified = f.rows == 0 ? verify(p0, p1, given)
                                       : verify(p0, p1, {row(0), row(1), row(2), row(3)}, given);
            }
            py::array_t<bool> mask(static_cast<py::ssize_t>(verified.inlier_mask.size()));
            std::copy(verified.inlier_mask.begin(), verified.inlier_mask.end(), mask.mutable_data());
            Output<double> matrix3(3, 3);
            std::copy(verified.model.begin(), verified.model.end(), matrix3.view.data);
            return py::make_tuple(verified.num_inliers, mask, matrix3.array, verified.num_trials,
                                  verified.log10_nfa);
        },
        py::arg("points0").noconvert(), py::arg("points1").noconvert(), py::arg("frames").noconvert(),
        py::arg("model"), py::arg("max_error"), py::arg("confidence"), py::arg("min_trials"),
        py::arg("max_trials"), py::arg("seed"), py::arg("one_to_one"), py::arg("exhaustive"));
}

}  // namespace hcbir::bindings
