// Exact search: the k rows of a database that score highest against each query. What is proved of it holds in
// the default floating-point environment: round to nearest, subnormal numbers not flushed to zero.
#pragma once

#include <cstdint>
#include <span>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// What a score is; larger is better for all.
enum class Metric {
    dot,     // q . x
    cosine,  // q . x / (|q| |x|), 0 if either is a zero vector
    l2,      // -|q - x|^2
};

enum class ElementType { float32, float16, bfloat16 };

/// Row-major rows of any element type; stride in elements.
struct Database {
    const void* data = nullptr;
    std::size_t rows = 0, cols = 0, stride = 0;
    ElementType type = ElementType::float32;

    Database() = default;
    Database(const void* data_, std::size_t rows_, std::size_t cols_, std::size_t stride_, ElementType type_)
        : data(data_), rows(rows_), cols(cols_), stride(stride_), type(type_) {}
    Database(const float* floats, std::size_t rows_, std::size_t cols_)
        : Database(floats, rows_, cols_, cols_, ElementType::float32) {}
    Database(MatrixView<const float> floats)
        : Database(floats.data, floats.rows, floats.cols, floats.stride, ElementType::float32) {}
};

/// What is scanned to find the rows worth scoring; the answer is the same. `automatic` scans bytes until they
/// turn out to leave too many rows.
enum class Precision { automatic, float32, int8 };

/// Where the rows vary most: reflections x - 2 (v . x) v / (v . v) by each v in turn that bring those
/// directions to the first columns, as many as there are reflections. They only serve speed: any will do.
struct PrincipalAxes {
    MatrixView<const float> reflectors = {};  // 16 or more, a multiple of 4, up to cols - 16; or none
    int tail_shift = 0;  // the other columns are smaller by about this power of 2; 0 to 4
};

/// A database quantised to bytes, with bounds of what rounding changed (`quantize`).
struct ByteCodes {
    MatrixView<const std::uint8_t> codes;  // byte_codes_rows(rows) x byte_codes_cols(cols)
    MatrixView<const float> bounds;        // byte_codes_rows(rows) x 5
    std::span<const float> offsets;        // one a row for l2, else empty
    PrincipalAxes axes = {};               // by which it was quantised
};

struct SearchOptions {
    Metric metric = Metric::dot;
    Precision precision = Precision::automatic;
    std::span<const std::uint8_t> allowed = {};  // a flag a row: whether it may be found; empty: all may
    const ByteCodes* codes = nullptr;            // of this database and metric; saves making them
};

/// Writes to row i of `scores` and `indices` (both queries.rows x k) the k best database rows of query i,
/// best first. A score is computed in double and rounded to float; rows of equal score stand in ascending
/// order. The result is the same for every number of threads, every batch of queries, every precision of the
/// scan and every instruction level.
///
/// Needs 1 <= k <= the number of (allowed) rows, equal cols, and finite values; throws std::invalid_argument
/// otherwise.
void search(MatrixView<const float> queries, const Database& database, std::size_t k,
            const SearchOptions& options, MatrixView<float> scores, MatrixView<std::int64_t> indices,
            Executor& executor);

inline void search(MatrixView<const float> queries, const Database& database, std::size_t k, Metric metric,
                   MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor) {
    search(queries, database, k, SearchOptions{.metric = metric}, scores, indices, executor);
}

/// The whole ranking: writes to row i of `scores` and `indices` (both queries.rows x allowed rows; `allowed`
/// as in SearchOptions) all rows, best first. Here scores are sums in float, in one order with one rounding a
/// term, and the order is that of these scores, so that rows whose exact scores are closer than
/// docs/exact-search.md says may stand the other way round than in `search`. The result is the same for every
/// number of threads, batch and instruction level.
void rank(MatrixView<const float> queries, const Database& database, Metric metric,
          std::span<const std::uint8_t> allowed, MatrixView<float> scores, MatrixView<std::int64_t> indices,
          Executor& executor);

/// Whether automatic precision goes by all scores of so small a database, for which it needs no ByteCodes.
bool is_small(std::size_t rows, std::size_t cols);
/// Dimensions up to this can be quantised.
std::size_t max_byte_codes_dim();
/// Shape of ByteCodes::codes.
std::size_t byte_codes_rows(std::size_t rows);
std::size_t byte_codes_cols(std::size_t cols);

/// Throws std::invalid_argument unless codes have the shapes of those of the database.
void require_codes(const ByteCodes& codes, const Database& database, Metric metric);

/// Writes the ByteCodes of a database, in arrays of the caller; the same bits for every number of threads.
/// Throws std::invalid_argument if the database or the axes are not finite.
void quantize(const Database& database, Metric metric, const PrincipalAxes& axes,
              MatrixView<std::uint8_t> codes, MatrixView<float> bounds, std::span<float> offsets,
              Executor& executor);

}  // namespace hcbir
