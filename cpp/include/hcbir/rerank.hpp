// Exact scores for what a search of codes has found.
#pragma once

#include <cstdint>
#include <span>

#include "hcbir/parallel.hpp"
#include "hcbir/search.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// The vectors that were encoded.
struct FullVectors {
    Database floats;                           // of any element type; or, if it has no rows,
    MatrixView<const std::int8_t> bytes = {};  // these,
    std::span<const float> factors = {};       // each row multiplied by its factor

    std::size_t rows() const { return floats.rows ? floats.rows : bytes.rows; }
    std::size_t cols() const { return floats.rows ? floats.cols : bytes.cols; }
};

/// Of the candidates (queries x any number of row numbers) the k that score highest, best first: in double,
/// rounded to float, as hcbir::search scores; equal scores in ascending order of the row. metric: dot or l2.
/// Reads no row but the candidates, so the vectors may be a memory map. The same for every number of threads
/// and instruction level. Throws std::invalid_argument for what does not fit.
void rerank(MatrixView<const float> queries, const FullVectors& vectors,
            MatrixView<const std::int64_t> candidates, std::size_t k, Metric metric, MatrixView<float> scores,
            MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
