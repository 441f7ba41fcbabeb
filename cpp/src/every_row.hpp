// Exact search where few queries want most of the rows: no scan, every score in double.
#pragma once

#include "search_problem.hpp"

namespace hcbir {

/// Whether that is faster than a scan that leaves rows out. For the dot product, and rows in a cache.
bool wants_every_row(const SearchProblem& problem);

/// Searches for all queries, of all rows.
void search_every_row(const SearchProblem& problem, MatrixView<float> scores,
                      MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
