#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "aligned.hpp"
#include "hcbir/error.hpp"
#include "hcbir/pq.hpp"
#include "kernels/dispatch.hpp"
#include "nearest_centroid.hpp"
#include "panels.hpp"
#include "random.hpp"

// Sub-spaces are independent, so each is a task of its own. hcbir::kmeans, which is exact in double, is made
// for long vectors; here vectors have few dimensions and every cycle a centroid counts.

namespace hcbir {
namespace {

using kernels::pq_panel_columns;

constexpr std::uint64_t sampling_stream = ~std::uint64_t{0};

/// `count` of the numbers below n, ascending (Knuth's algorithm S).
std::vector<std::size_t> sample(std::size_t n, std::size_t count, std::uint64_t seed) {
    std::vector<std::size_t> chosen;
    if (count >= n) {
        chosen.resize(n);
        std::iota(chosen.begin(), chosen.end(), std::size_t{0});
        return chosen;
    }
    CounterRandom random(seed, sampling_stream);
    for (std::size_t i = 0; chosen.size() < count; ++i)
        if (random.uniform() * static_cast<double>(n - i) < static_cast<double>(count - chosen.size()))
            chosen.push_back(i);
    return chosen;
}

/// k-means in one sub-space.
class SubspaceKMeans {
public:
    /// Columns first .. of the chosen rows, about their mean.
    SubspaceKMeans(MatrixView<const float> vectors, const std::vector<std::size_t>& chosen, std::size_t first,
                   MatrixView<float> centroids)
        : size_(chosen.size()),
          num_panels_(ceil_div(size_, pq_panel_columns)),
          dim_(centroids.cols),
          centroids_(centroids),
          panels_(num_panels_ * pq_panel_columns * dim_),
          squares_(num_panels_ * pq_panel_columns),
          rests_(squares_.size()),
          nearest_(squares_.size()) {
        std::vector<float> rows(size_ * dim_);
        for (std::size_t i = 0; i < size_; ++i)
            std::copy_n(vectors.row(chosen[i]) + first, dim_, rows.data() + i * dim_);
        mean_ = mean_row({rows.data(), size_, dim_});
        for (std::size_t p = 0; p < num_panels_; ++p) {
            const std::size_t row = p * pq_panel_columns;
            pack_columns({rows.data() + row * dim_, std::min(pq_panel_columns, size_ - row), dim_},
                         mean_.data(), panel(p));
        }
        for (std::size_t i = 0; i < size_; ++i) {
            double sum = 0;
            for (std::size_t d = 0; d < dim_; ++d) sum += double{value(i, d)} * double{value(i, d)};
            squares_[i] = static_cast<float>(sum);
        }
    }

    /// Returns the sum of the squared distances.
    /// Begins with `initial`, unless it is empty.
    double run(std::size_t num_iterations, MatrixView<const float> initial, CounterRandom random) {
        if (initial.rows == 0) seed(random);
        for (std::size_t c = 0; c < initial.rows; ++c)
            for (std::size_t d = 0; d < dim_; ++d) centroids_.row(c)[d] = initial.row(c)[d] - mean_[d];
        assign();
        for (std::size_t iteration = 0; iteration < num_iterations; ++iteration) {
            const auto before = nearest_;
            update();
            assign();
            if (nearest_ == before) break;
        }
        double sum = 0;
        for (std::size_t i = 0; i < size_; ++i) sum += double{squared_distance(i)};
        for (std::size_t c = 0; c < centroids_.rows; ++c)
            for (std::size_t d = 0; d < dim_; ++d) centroids_.row(c)[d] += mean_[d];
        return sum;
    }

private:
    float* panel(std::size_t p) const { return panels_.data() + p * pq_panel_columns * dim_; }
    float value(std::size_t i, std::size_t d) const {
        return panel(i / pq_panel_columns)[d * pq_panel_columns + i % pq_panel_columns];
    }
    void take(std::size_t i, float* centroid) const {
        for (std::size_t d = 0; d < dim_; ++d) centroid[d] = value(i, d);
    }
    float squared_distance(std::size_t i) const { return std::max(squares_[i] + 2 * rests_[i], 0.0f); }

    /// k-means++ (Arthur and Vassilvitskii 2007), as in kmeans.cpp.
    void seed(CounterRandom& random) {
        std::vector<float> distances(squares_.size(), std::numeric_limits<float>::infinity());
        std::fill(distances.begin() + static_cast<std::ptrdiff_t>(size_), distances.end(), 0.0f);
        std::vector<double> sums(num_panels_);
        auto row = static_cast<std::size_t>(random.uniform() * static_cast<double>(size_));
        for (std::size_t c = 0;; ++c) {
            take(row, centroids_.row(c));
            if (c + 1 == centroids_.rows) return;
            approach(c, distances, sums);
            row = draw(random.uniform(), distances, sums);
        }
    }

    /// Lowers the distances to those from centroid c; sums[p] = their sum in a panel.
    void approach(std::size_t c, std::vector<float>& distances, std::vector<double>& sums) {
        const float half = half_squared_lengths({centroids_.row(c), 1, dim_}).front();
        for (std::size_t p = 0; p < num_panels_; ++p)
            sums[p] = kernels_.approach(panel(p), centroids_.row(c), half, dim_,
                                        squares_.data() + p * pq_panel_columns,
                                        distances.data() + p * pq_panel_columns);
    }

    /// The vector where the running sum of the distances passes `fraction` of their total; without any
    /// distance left, the one that stands at that fraction of the list.
    std::size_t draw(double fraction, const std::vector<float>& distances,
                     const std::vector<double>& sums) const {
        const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
        if (!(total > 0)) return static_cast<std::size_t>(fraction * static_cast<double>(size_));
        double left = fraction * total;
        std::size_t p = 0, last = 0;
        while (p + 1 < num_panels_ && left >= sums[p]) left -= sums[p++];
        for (std::size_t i = p * pq_panel_columns; i < size_; ++i) {  // and on, should rounding want it
            if (distances[i] == 0) continue;
            last = i;
            left -= double{distances[i]};
            if (left < 0) break;
        }
        return last;
    }

    void assign() {
        const auto halves = half_squared_lengths({centroids_.data, centroids_.rows, dim_, centroids_.stride});
        for (std::size_t p = 0; p < num_panels_; ++p)
            kernels_.nearest_centroids(panel(p), centroids_.data, halves.data(), centroids_.rows, dim_,
                                       rests_.data() + p * pq_panel_columns,
                                       nearest_.data() + p * pq_panel_columns);
    }

    void update() {
        std::vector<double> sums(centroids_.rows * dim_);
        std::vector<std::size_t> counts(centroids_.rows);
        for (std::size_t i = 0; i < size_; ++i) {
            ++counts[nearest_[i]];
            for (std::size_t d = 0; d < dim_; ++d) sums[nearest_[i] * dim_ + d] += double{value(i, d)};
        }
        std::vector<std::size_t> farthest;  // first is farthest; made when the first empty cluster is met
        std::size_t taken = 0;
        for (std::size_t c = 0; c < centroids_.rows; ++c) {
            if (counts[c] > 0) {
                for (std::size_t d = 0; d < dim_; ++d)
                    centroids_.row(c)[d] =
                        static_cast<float>(sums[c * dim_ + d] / static_cast<double>(counts[c]));
                continue;
            }
            if (farthest.empty()) {
                farthest.resize(size_);
                std::iota(farthest.begin(), farthest.end(), std::size_t{0});
                std::stable_sort(farthest.begin(), farthest.end(), [&](std::size_t a, std::size_t b) {
                    return squared_distance(a) > squared_distance(b);
                });
            }
            take(farthest[taken++], centroids_.row(c));
        }
    }

    const kernels::Table& kernels_ = kernels::active();
    std::size_t size_, num_panels_, dim_;
    MatrixView<float> centroids_;
    AlignedBuffer<float> panels_;
    std::vector<float> mean_, squares_, rests_;
    std::vector<std::uint32_t> nearest_;
};

}  // namespace

double train_pq(MatrixView<const float> vectors, const PQTrainOptions& options, MatrixView<float> centroids,
                Executor& executor) {
    require(options.bits == 8 || options.bits == 4, "bits", "8 or 4", std::to_string(options.bits));
    const std::size_t num = options.num_subquantizers, k = std::size_t{1} << options.bits;
    require(num >= 1 && vectors.cols > 0 && vectors.cols % num == 0, "num_subquantizers",
            "a divisor of the vectors' dimension (" + std::to_string(vectors.cols) + ")",
            std::to_string(num));
    require(vectors.rows >= k, "vectors", "at least " + std::to_string(k) + ", one a centroid",
            std::to_string(vectors.rows));
    require(centroids.rows == num * k && centroids.cols == vectors.cols / num, "centroids",
            "(num_subquantizers * 2^bits) x sub-dimension", "another shape");
    require(options.max_vectors_per_centroid >= 1, "max_vectors_per_centroid", "at least 1", "0");
    require(options.initial.rows == 0 ||
                (options.initial.rows == centroids.rows && options.initial.cols == centroids.cols),
            "initial", "of the centroids' shape", "another");
    require_finite(vectors, "vectors");

    const std::size_t limit = options.max_vectors_per_centroid > vectors.rows / k
                                  ? vectors.rows
                                  : options.max_vectors_per_centroid * k;
    const auto chosen = sample(vectors.rows, limit, options.seed);
    std::vector<double> distances(num);
    executor.parallel_for(num, [&](std::size_t m, std::size_t) {
        const MatrixView<float> own(centroids.row(m * k), k, centroids.cols, centroids.stride);
        std::vector<float> found(k * own.cols);
        MatrixView<const float> initial;
        if (options.initial.rows > 0)
            initial = {options.initial.row(m * k), k, own.cols, options.initial.stride};
        SubspaceKMeans kmeans(vectors, chosen, m * own.cols, {found.data(), k, own.cols});
        distances[m] = kmeans.run(options.num_iterations, initial, CounterRandom(options.seed, m));
        for (std::size_t c = 0; c < k; ++c) std::copy_n(found.data() + c * own.cols, own.cols, own.row(c));
    });
    return std::accumulate(distances.begin(), distances.end(), 0.0) / static_cast<double>(chosen.size());
}

}  // namespace hcbir
