// Average precision and precision at k (definitions of the revisited Oxford and Paris benchmark).
#pragma once

#include <cstdint>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// Database indices that matter to each query; a list holds an index once, and no index stands in both.
struct GroundTruth {
    RaggedView<std::int64_t> positives;  // one list a query
    RaggedView<std::int64_t> junk;  // one list a query, or no list at all: left out before ranks are counted
};

/// Area under the precision-recall curve: by trapezia, or by rectangles as tall as the precision at each
/// positive.
enum class Interpolation { trapezoid, rectangle };

struct EvaluationOptions {
    Interpolation interpolation = Interpolation::trapezoid;
    std::span<const std::int64_t> cutoffs;  // k of each precision at k, at least 1
};

/// Where results go. A query without positives gets NaN.
struct EvaluationView {
    std::span<double> ap;  // one a query
    /// Queries x cutoffs. Precision among the first min(k, rank of the last positive found, from 1); 0 if
    /// none was found.
    MatrixView<double> precision_at;
};

/// Evaluates ranked lists of database indices, best first; a list need not be complete: a positive that it
/// does not hold counts as never found. Indices are 0 .. 2^31 - 1, once each in a list.
///
/// Throws std::invalid_argument, naming the query and the value, for an index that is out of range or
/// repeated, and for lists that are not one a query.
void evaluate_rankings(MatrixView<const std::int64_t> rankings, const GroundTruth& truth,
                       const EvaluationOptions& options, EvaluationView result, Executor& executor);
void evaluate_rankings(MatrixView<const std::int32_t> rankings, const GroundTruth& truth,
                       const EvaluationOptions& options, EvaluationView result, Executor& executor);
void evaluate_rankings(RaggedView<std::int64_t> rankings, const GroundTruth& truth,
                       const EvaluationOptions& options, EvaluationView result, Executor& executor);

/// The same for the ranking that scores imply: descending, ties to the smaller index. The ranking is not
/// made: each positive's rank is counted, in memory for the positives and junk alone. Refuses NaN too.
void evaluate_scores(MatrixView<const float> scores, const GroundTruth& truth,
                     const EvaluationOptions& options, EvaluationView result, Executor& executor);

}  // namespace hcbir
