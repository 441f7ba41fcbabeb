#include <pybind11/native_enum.h>

#include "bindings.hpp"
#include "hcbir/evaluation.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {
namespace {

using Indices = Array<std::int64_t>;
using Lists = std::pair<Indices, Indices>;  // values and offsets of a RaggedView

RaggedView<std::int64_t> ragged(const Lists& lists, const char* name) {
    return {values(lists.first, name), values(lists.second, name)};
}

/// Adds `function`, which evaluates what view_of makes of its first argument, by core.
template <class Input, class View>
void bind(py::module_& m, const char* function, const char* input_name,
          View (*view_of)(const Input&, const char*),
          void (*core)(View, const GroundTruth&, const EvaluationOptions&, EvaluationView, Executor&)) {
    m.def(
        function,
        [=](const Input& input, const Lists& positives, const Lists& junk, Interpolation interpolation,
            const Indices& at, std::size_t num_threads) {
            const View view = view_of(input, input_name);
            const GroundTruth truth{ragged(positives, "positives"), ragged(junk, "junk")};
            const EvaluationOptions options{interpolation, values(at, "at")};
            auto executor = interruptible(num_threads);
            const std::size_t num_queries = truth.positives.size();
            Array<double> ap(static_cast<py::ssize_t>(num_queries));
            Output<double> precision_at(num_queries, options.cutoffs.size());
            const EvaluationView result{{ap.mutable_data(), num_queries}, precision_at.view};
            {
                py::gil_scoped_release unlocked;
                core(view, truth, options, result, executor);
            }
            return py::make_tuple(ap, precision_at.array);
        },
        py::arg(input_name).noconvert(), py::arg("positives").noconvert(), py::arg("junk").noconvert(),
        py::arg("interpolation"), py::arg("at").noconvert(), py::arg("num_threads"));
}

}  // namespace

void bind_evaluation(py::module_& m) {
    py::native_enum<Interpolation>(m, "Interpolation", "enum.Enum")
        .value("trapezoid", Interpolation::trapezoid)
        .value("rectangle", Interpolation::rectangle)
        .finalize();

    bind(m, "evaluate_rankings", "rankings", &matrix<std::int64_t>, &evaluate_rankings);
    bind(m, "evaluate_rankings", "rankings", &matrix<std::int32_t>, &evaluate_rankings);
    bind(m, "evaluate_rankings", "rankings", &ragged, &evaluate_rankings);
    bind(m, "evaluate_scores", "scores", &matrix<float>, &evaluate_scores);
}

}  // namespace hcbir::bindings
