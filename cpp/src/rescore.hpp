// The end of a search: what the scans left is scored and ordered.
#pragma once

#include <vector>

#include "candidates.hpp"
#include "finer_bounds.hpp"

namespace hcbir {

/// Joins what the workers kept of `count` queries from `base` on, scores it in double, and writes the best of
/// each query; the workers forget these queries. `finer` (or null) cuts short what is left. Nothing is
/// written for a query whose k best do not reach its guess (a key, or -infinity), by which others were left
/// out: those are returned, as places in the group.
std::vector<std::size_t> rescore_group(const SearchProblem& problem, const std::vector<Candidates*>& workers,
                                       const FinerBounds* finer, std::span<const float> guesses,
                                       std::size_t base, std::size_t count, MatrixView<float> scores,
                                       MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
