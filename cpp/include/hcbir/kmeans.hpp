// k-means clustering: codebooks of VLAD and, later, of product quantisation.
#pragma once

#include <cstdint>
#include <vector>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

struct KMeansOptions {
    std::size_t num_iterations = 20;
    std::uint64_t seed = 0;
};

/// Writes num_clusters = centroids.rows centroids, begun by k-means++ and improved by Lloyd's iterations
/// until no row changes its cluster; an empty cluster takes the row farthest from its centroid. Returns the
/// mean squared distance after the last assignment. The same for every number of threads and instruction
/// level.
///
/// Needs 1 <= centroids.rows <= vectors.rows, equal cols, and finite values.
double kmeans(MatrixView<const float> vectors, MatrixView<float> centroids, const KMeansOptions& options,
              Executor& executor);

}  // namespace hcbir
