// That the arrays of a search fit each other.
#pragma once

#include <cstdint>
#include <string>

#include "hcbir/error.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

inline std::string by(std::size_t rows, std::size_t cols) {
    return std::to_string(rows) + " x " + std::to_string(cols);
}

/// Of queries and what they are compared with.
inline void require_dimension(std::size_t queries, std::size_t database) {
    if (database == 0) refuse("database", "of a dimension of at least 1", "0");
    if (queries != database)
        refuse("queries", "of the database's dimension, " + std::to_string(database),
               std::to_string(queries));
}

/// A place for each result of a search.
inline void require_outputs(MatrixView<float> scores, MatrixView<std::int64_t> indices, std::size_t queries,
                            std::size_t k) {
    if (scores.rows != queries || scores.cols != k || indices.rows != queries || indices.cols != k)
        refuse("scores and indices", "queries x results, " + by(queries, k),
               by(scores.rows, scores.cols) + " and " + by(indices.rows, indices.cols));
}

}  // namespace hcbir
