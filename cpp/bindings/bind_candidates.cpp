#include <pybind11/stl.h>

#include "bindings.hpp"
#include "hcbir/candidates.hpp"
#include "hcbir/pq.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {
namespace {

/// Keypoints; descriptors of float32, float16 as uint16, int8 or uint8; the factors of int8 rows, the
/// quantizer of codes (uint8), or None; scales and orientations, or None.
using Features =
    std::tuple<Array<float>, py::array, py::object, std::optional<Array<float>>, std::optional<Array<float>>>;

LocalFeaturesView view(const Features& features) {
    const auto& [keypoints, descriptors, decoder, scales, orientations] = features;
    LocalFeaturesView found{matrix(keypoints, "keypoints"), {}, {}, {}};
    if (scales) found.scales = values(*scales, "scales");
    if (orientations) found.orientations = values(*orientations, "orientations");
    if (py::isinstance<Array<float>>(descriptors))
        found.descriptors = matrix(py::cast<Array<float>>(descriptors), "descriptors");
    else if (py::isinstance<ProductQuantizer>(decoder))
        found.descriptors = PQDescriptors{matrix(py::cast<Array<std::uint8_t>>(descriptors), "descriptors"),
                                          &py::cast<const ProductQuantizer&>(decoder)};
    else if (py::isinstance<Array<std::uint8_t>>(descriptors))
        found.descriptors =
            BinaryDescriptors{matrix(py::cast<Array<std::uint8_t>>(descriptors), "descriptors")};
    else if (py::isinstance<Array<std::uint16_t>>(descriptors))
        found.descriptors =
            HalfDescriptors{matrix(py::cast<Array<std::uint16_t>>(descriptors), "descriptors")};
    else if (py::isinstance<Array<std::int8_t>>(descriptors)) {
        const Int8Descriptors int8{matrix(py::cast<Array<std::int8_t>>(descriptors), "descriptors"),
                                   values(py::cast<Array<float>>(decoder), "factors")};
        if (int8.scales.size() != int8.values.rows) throw py::value_error("factors must be one a descriptor");
        found.descriptors = int8;
    } else
        throw py::type_error("descriptors must be float32, uint16, int8 or uint8");
    return found;
}

template <class T>
MatrixView<const T> rows_of(MatrixView<const T> all, std::size_t first, std::size_t count) {
    return {all.data + first * all.stride, count, all.cols, all.stride};
}

/// One image of many whose features stand one after another.
LocalFeaturesView part(const LocalFeaturesView& all, std::size_t first, std::size_t count) {
    struct Part {
        std::size_t first, count;
        DescriptorsView operator()(MatrixView<const float> m) const { return rows_of(m, first, count); }
        DescriptorsView operator()(const HalfDescriptors& d) const {
            return HalfDescriptors{rows_of(d.bits, first, count)};
        }
        DescriptorsView operator()(const Int8Descriptors& d) const {
            return Int8Descriptors{rows_of(d.values, first, count), d.scales.subspan(first, count)};
        }
        DescriptorsView operator()(const PQDescriptors& d) const {
            return PQDescriptors{rows_of(d.codes, first, count), d.quantizer};
        }
        DescriptorsView operator()(const BinaryDescriptors& d) const {
            return BinaryDescriptors{rows_of(d.bytes, first, count)};
        }
    };
    const auto some = [&](std::span<const float> values) {
        return values.empty() ? values : values.subspan(first, count);
    };
    return {rows_of(all.keypoints, first, count), std::visit(Part{first, count}, all.descriptors),
            some(all.scales), some(all.orientations)};
}

std::vector<LocalFeaturesView> parts(const LocalFeaturesView& all, std::span<const std::int64_t> offsets,
                                     std::span<const std::int64_t> ids) {
    std::vector<LocalFeaturesView> found;
    for (const std::int64_t id : ids) {
        const auto i = static_cast<std::size_t>(id);
        if (id < 0 || i + 1 >= offsets.size())
            throw py::index_error("ids must be those of images in the store");
        const std::int64_t first = offsets[i], last = offsets[i + 1];
        if (first < 0 || last < first || static_cast<std::size_t>(last) > all.keypoints.rows)
            throw py::value_error("offsets must ascend to the number of keypoints");
        found.push_back(part(all, static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
    }
    return found;
}

using Options = std::tuple<Metric, bool, double, double, GeometricModel, double, double, std::size_t,
                           std::size_t, std::uint64_t, bool, bool, bool, std::int32_t>;

CandidateOptions as_struct(const Options& options) {
    const auto& [metric, cross_check, max_distance, max_ratio, model, max_error, confidence, min_trials,
                 max_trials, seed, one_to_one, exhaustive, use_frames, min_inliers] = options;
    return {metric,
            {cross_check, max_distance, max_ratio},
            {model, max_error, confidence, min_trials, max_trials, seed, one_to_one, exhaustive},
            use_frames,
            min_inliers};
}

py::tuple verify_views(const Features& query, std::span<const LocalFeaturesView> candidates,
                       const Options& options, std::size_t num_threads) {
    const LocalFeaturesView query_view = view(query);
    auto executor = interruptible(num_threads);
    std::vector<CandidateVerification> results(candidates.size());
    {
        py::gil_scoped_release unlocked;
        verify_candidates(query_view, candidates, as_struct(options), results, executor);
    }
    Array<std::int32_t> num_inliers(static_cast<py::ssize_t>(results.size()));
    Array<double> log10_nfa(static_cast<py::ssize_t>(results.size()));
    for (std::size_t c = 0; c < results.size(); ++c) {
        num_inliers.mutable_data()[c] = results[c].num_inliers;
        log10_nfa.mutable_data()[c] = results[c].log10_nfa;
    }
    return py::make_tuple(num_inliers, log10_nfa);
}

}  // namespace

void bind_candidates(py::module_& m) {
    m.def(
        "verify_candidates",
        [](const Features& query, const std::vector<Features>& candidates, const Options& options,
           std::size_t num_threads) {
            std::vector<LocalFeaturesView> views;
            for (const Features& candidate : candidates) views.push_back(view(candidate));
            return verify_views(query, views, options, num_threads);
        },
        py::arg("query"), py::arg("candidates"), py::arg("options"), py::arg("num_threads"));

    m.def(
        "verify_stored",
        [](const Features& query, const Features& stored, const Array<std::int64_t>& offsets,
           const Array<std::int64_t>& ids, const Options& options, std::size_t num_threads) {
            const auto views = parts(view(stored), values(offsets, "offsets"), values(ids, "ids"));
            return verify_views(query, views, options, num_threads);
        },
        py::arg("query"), py::arg("stored"), py::arg("offsets").noconvert(), py::arg("ids").noconvert(),
        py::arg("options"), py::arg("num_threads"));
}

}  // namespace hcbir::bindings
