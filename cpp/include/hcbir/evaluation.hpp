// Average precision and precision at k (definitions of the revisited Oxford and Paris benchmark).
#pragma once

#include <cstdint>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

enum class Interpolation { trapezoid, rectangle };

/// Per query. A query without positives has NaN everywhere.
struct EvaluationView {
    std::span<double> ap;             // one a query
    MatrixView<double> precision_at;  // queries x cutoffs.size()
};

/// Evaluates ranked lists of database indices, best first. A positive that the list does not hold counts as
/// never found. Junk is taken out of the list before ranks are counted.
void evaluate_rankings(MatrixView<const std::int64_t> rankings, RaggedView<std::int64_t> positives,
                       RaggedView<std::int64_t> junk, Interpolation interpolation,
                       std::span<const std::int64_t> cutoffs, EvaluationView result, Executor& executor);

/// The same for the ranking that the scores imply: descending, ties to the smaller index. Nothing is sorted
/// but the positives: each one's rank is counted.
void evaluate_scores(MatrixView<const float> scores, RaggedView<std::int64_t> positives,
                     RaggedView<std::int64_t> junk, Interpolation interpolation,
                     std::span<const std::int64_t> cutoffs, EvaluationView result, Executor& executor);

}  // namespace hcbir
