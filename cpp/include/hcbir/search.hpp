// Exact search: the k rows of a database that score highest against each query.
#pragma once

#include <cstdint>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// What a score is; larger is better for all.
enum class Metric {
    dot,     // q . x
    cosine,  // q . x / (|q| |x|), 0 if either is a zero vector
    l2,      // -|q - x|^2
};

/// Writes to row i of `scores` and `indices` (both queries.rows x k) the k best database rows of query i,
/// best first. A score is computed in double and rounded to float; rows of equal score stand in ascending
/// order. The result is the same for every number of threads, every batch of queries and every instruction
/// level.
///
/// Needs 1 <= k <= database.rows, equal cols, and finite values; throws std::invalid_argument otherwise.
void search(MatrixView<const float> queries, MatrixView<const float> database, std::size_t k, Metric metric,
            MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
