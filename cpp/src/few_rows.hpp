// Exact search of few rows: all keys of a query in float, the best picked from them.
#pragma once

#include "search_problem.hpp"

namespace hcbir {

/// Whether that takes less than a scan that leaves most rows out: where so many are wanted that a scan has
/// much to keep. For rows that lie as floats.
bool wants_all_keys(const SearchProblem& problem);

/// Searches for all queries, of all rows. False, and nothing written, if some row is not fit for bounds.
bool search_few_rows(const SearchProblem& problem, MatrixView<float> scores, MatrixView<std::int64_t> indices,
                     Executor& executor);

}  // namespace hcbir
