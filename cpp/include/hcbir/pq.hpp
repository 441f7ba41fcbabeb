// Product quantisation (Jegou, Douze and Schmid 2011): a vector becomes a code of a few bytes, the numbers of
// the nearest centroids in its sub-spaces; queries, which stay floats, meet codes through look-up tables.
//
// To build on: codes are plain rows of code_size() bytes, anywhere, so an inverted list is an array of codes.
// AdcTables (adc_tables.hpp) are a group of queries' tables; AdcScan (adc_scan.hpp) takes any block of codes
// for any of these queries into their k best, each with a term of its own (a list's) to be added to its
// scores.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hcbir/packed_codes.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/search.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

class NearestCentroid;

class ProductQuantizer {
public:
    /// centroids: centroid c of sub-space m stands in row m * 2^bits + c; cols is the sub-space's dimension.
    /// bits: 8 or 4. Throws std::invalid_argument for a shape that does not fit, and for NaN or infinity.
    ProductQuantizer(MatrixView<const float> centroids, std::size_t num_subquantizers, unsigned bits);
    ~ProductQuantizer();

    std::size_t dim() const { return num_subquantizers_ * sub_dim_; }
    std::size_t sub_dim() const { return sub_dim_; }
    std::size_t num_subquantizers() const { return num_subquantizers_; }
    unsigned bits() const { return bits_; }
    std::size_t num_centroids() const { return std::size_t{1} << bits_; }
    /// Bytes of a code: one a sub-space, or one for two, the first in the low half.
    std::size_t code_size() const { return bits_ == 8 ? num_subquantizers_ : (num_subquantizers_ + 1) / 2; }

    /// Centroid c of sub-space m; sub_dim() floats.
    const float* centroid(std::size_t m, std::size_t c) const {
        return centroids_.data() + (m * num_centroids() + c) * sub_dim_;
    }
    /// Value d of centroid c of sub-space m, for all c: num_centroids() floats.
    const float* column(std::size_t m, std::size_t d) const {
        return columns_.data() + (m * sub_dim_ + d) * num_centroids();
    }

    /// Writes the codes (rows x code_size()) of vectors (rows x dim()): in every sub-space the nearest
    /// centroid by float arithmetic in a fixed order, the first of equally near ones.
    void encode(MatrixView<const float> vectors, MatrixView<std::uint8_t> codes, Executor& executor) const;

    /// Writes the vectors that the codes stand for.
    void decode(MatrixView<const std::uint8_t> codes, MatrixView<float> vectors, Executor& executor) const;

private:
    void write_numbers(const std::uint32_t* numbers, std::size_t m, MatrixView<std::uint8_t> codes) const;

    std::size_t num_subquantizers_, sub_dim_;
    unsigned bits_;
    std::vector<float> centroids_, columns_;
    std::vector<NearestCentroid> nearest_;  // of each sub-space
    struct Cells;
    std::unique_ptr<Cells> cells_;  // made when many vectors are encoded for the first time
};

/// As ProductQuantizer::encode, but what is lost along a vector counts more than what is lost across it, as
/// inner products with near vectors feel it (Guo et al. 2020): (dim - 1) t^2 / (1 - t^2) times, t being the
/// cosine between 0 and 1 above which products matter. Sub-spaces take their centroids anew in turn, at most
/// five times; floats and doubles in a fixed order.
void encode_anisotropic(const ProductQuantizer& quantizer, MatrixView<const float> vectors, double threshold,
                        MatrixView<std::uint8_t> codes, Executor& executor);

struct PQTrainOptions {
    std::size_t num_subquantizers = 0;  // divides the vectors' dimension
    unsigned bits = 8;
    std::size_t num_iterations = 25;
    std::size_t max_vectors_per_centroid = 256;  // of more vectors than these a random sample is used
    std::uint64_t seed = 0;
    MatrixView<const float> initial = {};  // centroids to begin with; if empty, k-means++ finds some
};

/// Writes the centroids, (num_subquantizers * 2^bits) x sub_dim, each sub-space's begun by k-means++ and
/// improved by Lloyd's iterations, whose steps but for the last are made longer, until no vector changes its
/// centroid; a centroid without vectors takes the vector farthest from its own. Returns the mean squared
/// distance of the vectors used to what their codes stand for, as the last assignment has it. The same for
/// every number of threads and instruction level.
double train_pq(MatrixView<const float> vectors, const PQTrainOptions& options, MatrixView<float> centroids,
                Executor& executor);

/// Writes rotation * v (rotation: rows x vectors.cols) for every vector v, in float in one order of
/// summation.
void rotate(MatrixView<const float> vectors, MatrixView<const float> rotation, MatrixView<float> rotated,
            Executor& executor);

struct PQSearchOptions {
    Metric metric = Metric::dot;                 // dot or l2
    std::span<const std::uint8_t> allowed = {};  // a flag a code: whether it may be found; empty: all may
};

/// The k codes (rows x code_size()) that score highest against each query, best first; codes of equal score
/// in ascending order. A score is the sum of the table entries that a code names, computed in float in a
/// fixed order (adc_tables.hpp); so the result is the same for every number of threads and instruction level.
/// Throws std::invalid_argument for what does not fit.
void search(const ProductQuantizer& quantizer, MatrixView<const float> queries,
            MatrixView<const std::uint8_t> codes, std::size_t k, const PQSearchOptions& options,
            MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor);

/// The same of packed codes, with the same results.
void search(const ProductQuantizer& quantizer, MatrixView<const float> queries, const PackedCodes& codes,
            std::size_t k, const PQSearchOptions& options, MatrixView<float> scores,
            MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
