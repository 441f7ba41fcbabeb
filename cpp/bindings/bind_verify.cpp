#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "hcbir/verify.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {
namespace {

/// scales0, orientations0, scales1, orientations1.
using Frames = std::optional<std::tuple<Array<float>, Array<float>, Array<float>, Array<float>>>;
/// As in VerifyOptions.
using Options =
    std::tuple<GeometricModel, double, double, std::size_t, std::size_t, std::uint64_t, bool, bool>;

VerifyOptions as_struct(const Options& options) { return std::make_from_tuple<VerifyOptions>(options); }

FeatureFrames view(const Frames& frames) {
    if (!frames) return {};
    const auto& [scales0, orientations0, scales1, orientations1] = *frames;
    return {values(scales0, "scales0"), values(orientations0, "orientations0"), values(scales1, "scales1"),
            values(orientations1, "orientations1")};
}

py::tuple verify_pair(const Array<float>& points0, const Array<float>& points1, const Frames& frames,
                      const Options& options) {
    const auto p0 = matrix(points0, "points0"), p1 = matrix(points1, "points1");
    const FeatureFrames turned = view(frames);
    Verification verified;
    {
        py::gil_scoped_release unlocked;
        verified = frames ? verify(p0, p1, turned, as_struct(options)) : verify(p0, p1, as_struct(options));
    }
    py::array_t<bool> mask(static_cast<py::ssize_t>(verified.inlier_mask.size()));
    std::copy(verified.inlier_mask.begin(), verified.inlier_mask.end(), mask.mutable_data());
    Output<double> model(3, 3);
    std::copy(verified.model.begin(), verified.model.end(), model.view.data);
    return py::make_tuple(verified.num_inliers, mask, model.array, verified.num_trials, verified.log10_nfa);
}

py::tuple verify_pairs(const Array<float>& points0, const Array<float>& points1,
                       const Array<std::int64_t>& offsets, const Frames& frames, const Options& options,
                       std::size_t num_threads) {
    const auto p0 = matrix(points0, "points0"), p1 = matrix(points1, "points1");
    const auto begins = values(offsets, "offsets");
    const FeatureFrames turned = view(frames);
    std::vector<Verification> results(begins.empty() ? 0 : begins.size() - 1);
    auto executor = interruptible(num_threads);
    {
        py::gil_scoped_release unlocked;
        verify_many(p0, p1, turned, begins, as_struct(options), results, executor);
    }
    const auto count = static_cast<py::ssize_t>(results.size());
    py::array_t<bool> mask(static_cast<py::ssize_t>(p0.rows));
    Array<std::int64_t> num_inliers(count), num_trials(count);
    Array<double> models({count, py::ssize_t{3}, py::ssize_t{3}}), log10_nfa(count);
    bool* next_flag = mask.mutable_data();
    double* next_element = models.mutable_data();
    for (py::ssize_t i = 0; i < count; ++i) {
        const Verification& found = results[static_cast<std::size_t>(i)];
        num_inliers.mutable_at(i) = static_cast<std::int64_t>(found.num_inliers);
        num_trials.mutable_at(i) = static_cast<std::int64_t>(found.num_trials);
        log10_nfa.mutable_at(i) = found.log10_nfa;
        next_flag = std::copy(found.inlier_mask.begin(), found.inlier_mask.end(), next_flag);
        next_element = std::copy(found.model.begin(), found.model.end(), next_element);
    }
    return py::make_tuple(num_inliers, mask, models, num_trials, log10_nfa);
}

}  // namespace

void bind_verify(py::module_& m) {
    py::native_enum<GeometricModel>(m, "GeometricModel", "enum.Enum")
        .value("similarity", GeometricModel::similarity)
        .value("affine", GeometricModel::affine)
        .value("homography", GeometricModel::homography)
        .finalize();

    m.def("verify", verify_pair, py::arg("points0").noconvert(), py::arg("points1").noconvert(),
          py::arg("frames").noconvert(), py::arg("options"));
    m.def("verify_many", verify_pairs, py::arg("points0").noconvert(), py::arg("points1").noconvert(),
          py::arg("offsets").noconvert(), py::arg("frames").noconvert(), py::arg("options"),
          py::arg("num_threads"));
}

}  // namespace hcbir::bindings
