#include "hcbir/kmeans.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "hcbir/error.hpp"
#include "hcbir/search.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"
#include "random.hpp"

namespace hcbir {
namespace {

constexpr std::size_t rows_per_task = 1024;

/// Squared distance of every row to its nearest centroid so far.
class NearestDistances {
public:
    NearestDistances(MatrixView<const float> vectors, Executor& executor)
        : vectors_(vectors),
          executor_(executor),
          distances_(vectors.rows, std::numeric_limits<double>::infinity()) {}

    void add_centroid(const float* centroid) {
        const auto squared_l2 = kernels::active().squared_l2_f64;
        executor_.parallel_for((vectors_.rows + rows_per_task - 1) / rows_per_task, [&](std::size_t task,
                                                                                        std::size_t) {
            const std::size_t end = std::min((task + 1) * rows_per_task, vectors_.rows);
            for (std::size_t i = task * rows_per_task; i < end; ++i)
                distances_[i] = std::min(distances_[i], squared_l2(vectors_.row(i), centroid, vectors_.cols));
        });
    }

    /// The row where the running sum of the distances passes `fraction` of their total; without any distance
    /// left, the row that stands at that fraction of the list.
    std::size_t draw(double fraction) const {
        const double total = std::accumulate(distances_.begin(), distances_.end(), 0.0);
        if (!(total > 0)) return static_cast<std::size_t>(fraction * static_cast<double>(vectors_.rows));
        double left = fraction * total;
        std::size_t last = 0;
        for (std::size_t i = 0; i < vectors_.rows; ++i) {
            if (distances_[i] == 0) continue;
            last = i;
            left -= distances_[i];
            if (left < 0) break;
        }
        return last;
    }

private:
    MatrixView<const float> vectors_;
    Executor& executor_;
    std::vector<double> distances_;
};

/// k-means++ (Arthur and Vassilvitskii 2007): each further centroid is a row drawn with probability in
/// proportion to its squared distance from those before.
void seed_centroids(MatrixView<const float> vectors, MatrixView<float> centroids, std::uint64_t seed,
                    Executor& executor) {
    NearestDistances nearest(vectors, executor);
    CounterRandom random(seed, 0);
    for (std::size_t c = 0; c < centroids.rows; ++c) {
        const std::size_t row =
            c == 0 ? static_cast<std::size_t>(random.uniform() * static_cast<double>(vectors.rows))
                   : nearest.draw(random.uniform());
        std::copy_n(vectors.row(row), vectors.cols, centroids.row(c));
        nearest.add_centroid(centroids.row(c));
    }
}

/// Moves every centroid to the mean of its rows, summed in row order; an empty cluster takes the row that
/// lies farthest from its centroid, the next one the next farthest.
void update_centroids(MatrixView<const float> vectors, const std::vector<std::int64_t>& clusters,
                      const std::vector<float>& scores, MatrixView<float> centroids) {
    const std::size_t dim = vectors.cols;
    std::vector<double> sums(centroids.rows * dim);
    std::vector<std::size_t> counts(centroids.rows);
    for (std::size_t i = 0; i < vectors.rows; ++i) {
        const auto c = static_cast<std::size_t>(clusters[i]);
        ++counts[c];
        for (std::size_t d = 0; d < dim; ++d) sums[c * dim + d] += double{vectors.row(i)[d]};
    }
    std::vector<std::size_t> farthest;  // first is farthest; made when the first empty cluster is met
    std::size_t taken = 0;
    for (std::size_t c = 0; c < centroids.rows; ++c) {
        if (counts[c] > 0) {
            for (std::size_t d = 0; d < dim; ++d)
                centroids.row(c)[d] = static_cast<float>(sums[c * dim + d] / static_cast<double>(counts[c]));
            continue;
        }
        if (farthest.empty()) {
            farthest.resize(vectors.rows);
            std::iota(farthest.begin(), farthest.end(), std::size_t{0});
            std::stable_sort(farthest.begin(), farthest.end(),
                             [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
        }
        std::copy_n(vectors.row(farthest[taken++]), dim, centroids.row(c));
    }
}

}  // namespace

double kmeans(MatrixView<const float> vectors, MatrixView<float> centroids, const KMeansOptions& options,
              Executor& executor) {
    require(centroids.rows >= 1 && centroids.rows <= vectors.rows, "num_clusters",
            "from 1 to the number of vectors (" + std::to_string(vectors.rows) + ")",
            std::to_string(centroids.rows));
    require(centroids.cols == vectors.cols, "centroids", "of the vectors' dimension",
            std::to_string(centroids.cols));
    require_finite(vectors, "vectors");
    seed_centroids(vectors, centroids, options.seed, executor);

    const std::size_t n = vectors.rows;
    std::vector<std::int64_t> clusters(n), previous;
    std::vector<float> scores(n);
    const MatrixView<const float> found(centroids.data, centroids.rows, centroids.cols, centroids.stride);
    for (std::size_t iteration = 0;; ++iteration) {
        search(vectors, found, 1, Metric::l2, {scores.data(), n, 1}, {clusters.data(), n, 1}, executor);
        if (iteration == options.num_iterations || clusters == previous) break;
        update_centroids(vectors, clusters, scores, centroids);
        previous = clusters;
    }
    return -std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(n);
}

}  // namespace hcbir
