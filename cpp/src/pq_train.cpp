#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "centroid_list.hpp"
#include "hcbir/error.hpp"
#include "hcbir/pq.hpp"
#include "kernels/dispatch.hpp"
#include "near_panels.hpp"
#include "nearest_centroid.hpp"
#include "panels.hpp"
#include "random.hpp"

// Sub-spaces are independent, so each is a task of its own. hcbir::kmeans, which is exact in double, is made
// for long vectors; here vectors have few dimensions and every cycle a centroid counts.

namespace hcbir {
namespace {

using kernels::pq_panel_columns;

/// Lloyd's steps are too short: 1.8 times as long they get in 25 where they took more than 40 (Lee, Baek and
/// Sung 1997, A modified k-means algorithm for vector quantizer design).
constexpr float beyond_mean = 0.8f;

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

/// k-means++ (Arthur and Vassilvitskii 2007), as in kmeans.cpp.
class Seeding {
public:
    /// squares: the vectors' squared lengths.
    Seeding(const NearPanels& vectors, const std::vector<float>& squares)
        : vectors_(vectors),
          squares_(squares),
          distances_(squares.size(), std::numeric_limits<float>::infinity()),
          sums_(vectors.num_panels()),
          group_sums_(vectors.num_groups()),
          largest_(vectors.num_boxes(), std::numeric_limits<float>::infinity()),
          largest_in_group_(vectors.num_groups(), std::numeric_limits<float>::infinity()),
          from_groups_(vectors.num_groups()) {
        std::fill(distances_.begin() + static_cast<std::ptrdiff_t>(vectors.size()), distances_.end(), 0.0f);
        // A distance is made of dim + 3 operations on at most four times the longest square.
        error_ = static_cast<float>(vectors.dim() + 4) * 0x1p-20f *
                 *std::max_element(squares.begin(), squares.end());
    }

    /// Lowers the distances to those from a centroid, one of the vectors.
    void add(const float* centroid) {
        const std::size_t dim = vectors_.dim();
        const float half = half_squared_lengths({centroid, 1, dim}).front();
        float from_boxes[NearPanels::boxes_a_group];
        vectors_.group_distances(centroid, from_groups_.data());
        for (std::size_t g = 0; g < from_groups_.size(); ++g) {
            if (is_far(from_groups_[g], largest_in_group_[g])) continue;
            const std::size_t first = g * NearPanels::boxes_a_group;
            const std::size_t last = std::min(first + NearPanels::boxes_a_group, largest_.size());
            vectors_.box_distances(centroid, first, last - first, from_boxes);
            for (std::size_t b = first; b < last; ++b)
                if (!is_far(from_boxes[b - first], largest_[b])) add_in_box(centroid, half, b);
            largest_in_group_[g] = *std::max_element(largest_.begin() + first, largest_.begin() + last);
            const auto sums = sums_.begin() + first * NearPanels::panels_a_box;
            group_sums_[g] = std::accumulate(sums, std::min(sums + panels_a_group, sums_.end()), 0.0);
        }
    }

    /// The vector where the running sum of the distances passes `fraction` of their total; without any
    /// distance left, the one that stands at that fraction of the list.
    std::size_t draw(double fraction) const {
        const double total = std::accumulate(group_sums_.begin(), group_sums_.end(), 0.0);
        if (!(total > 0)) return static_cast<std::size_t>(fraction * static_cast<double>(vectors_.size()));
        double left = fraction * total;
        std::size_t g = 0, last = 0;
        while (g + 1 < group_sums_.size() && left >= group_sums_[g]) left -= group_sums_[g++];
        std::size_t p = g * panels_a_group;
        while (p + 1 < sums_.size() && left >= sums_[p]) left -= sums_[p++];
        for (std::size_t i = p * columns; i < vectors_.size(); ++i) {  // and on, should rounding want it
            if (distances_[i] == 0) continue;
            last = i;
            left -= double{distances_[i]};
            if (left < 0) break;
        }
        return last;
    }

private:
    static constexpr std::size_t columns = NearPanels::columns;
    static constexpr std::size_t panels_a_group = NearPanels::boxes_a_group * NearPanels::panels_a_box;

    /// Whether no distance up to `largest` is lowered by a centroid that far from the box of the vectors.
    bool is_far(float distance, float largest) const { return distance * (1 - 0x1p-20f) - error_ > largest; }

    void add_in_box(const float* centroid, float half, std::size_t b) {
        const std::size_t first = b * NearPanels::panels_a_box;
        const std::size_t last = std::min(first + NearPanels::panels_a_box, sums_.size());
        for (std::size_t p = first; p < last; ++p)
            sums_[p] = kernels_.approach(vectors_.panel(p), centroid, half, vectors_.dim(),
                                         squares_.data() + p * columns, distances_.data() + p * columns);
        float smallest = 0;
        kernels_.extremes(distances_.data() + first * columns, (last - first) * columns, &smallest,
                          &largest_[b]);
    }

    const kernels::Table& kernels_ = kernels::active();
    const NearPanels& vectors_;
    const std::vector<float>& squares_;
    std::vector<float> distances_;
    std::vector<double> sums_, group_sums_;          // of each panel's distances, and group's
    std::vector<float> largest_, largest_in_group_;  // of each box's, and group's
    std::vector<float> from_groups_;
    float error_ = 0;  // of a distance
};

/// Columns first .. of the chosen rows.
std::vector<float> sub_vectors(MatrixView<const float> vectors, const std::vector<std::size_t>& chosen,
                               std::size_t first, std::size_t dim) {
    std::vector<float> rows(chosen.size() * dim);
    for (std::size_t i = 0; i < chosen.size(); ++i)
        std::copy_n(vectors.row(chosen[i]) + first, dim, rows.data() + i * dim);
    return rows;
}

/// k-means in one sub-space.
class SubspaceKMeans {
public:
    SubspaceKMeans(MatrixView<const float> vectors, MatrixView<float> centroids)
        : vectors_(vectors),
          size_(vectors.rows),
          dim_(vectors.cols),
          centroids_(centroids),
          squares_(vectors_.num_panels() * pq_panel_columns),
          rests_(squares_.size()),
          nearest_(squares_.size()),
          summed_(size_, static_cast<std::uint32_t>(centroids.rows)),
          sums_((centroids.rows + 1) * dim_),
          counts_(centroids.rows + 1) {
        for (std::size_t i = 0; i < size_; ++i) {
            double sum = 0;
            for (std::size_t d = 0; d < dim_; ++d)
                sum += double{vectors_.value(i, d)} * double{vectors_.value(i, d)};
            squares_[i] = static_cast<float>(sum);
        }
    }

    /// Returns the sum of the squared distances.
    /// Begins with `initial`, unless it is empty.
    double run(std::size_t num_iterations, MatrixView<const float> initial, CounterRandom random) {
        const auto& mean = vectors_.mean();
        if (initial.rows == 0) seed(random);
        for (std::size_t c = 0; c < initial.rows; ++c)
            for (std::size_t d = 0; d < dim_; ++d) centroids_.row(c)[d] = initial.row(c)[d] - mean[d];
        assign();
        bool at_means = false;
        for (std::size_t iteration = 0; iteration < num_iterations; ++iteration) {
            const std::size_t moved = move_vectors();
            if (moved == 0 && at_means) break;
            at_means = moved == 0 || iteration + 1 == num_iterations;
            update(at_means ? 0 : beyond_mean);
            assign();
        }
        double sum = 0;
        for (std::size_t i = 0; i < size_; ++i) sum += double{squared_distance(i)};
        for (std::size_t c = 0; c < centroids_.rows; ++c)
            for (std::size_t d = 0; d < dim_; ++d) centroids_.row(c)[d] += mean[d];
        return sum;
    }

private:
    void take(std::size_t i, float* centroid) const {
        for (std::size_t d = 0; d < dim_; ++d) centroid[d] = vectors_.value(i, d);
    }
    float squared_distance(std::size_t i) const { return std::max(squares_[i] + 2 * rests_[i], 0.0f); }

    void seed(CounterRandom& random) {
        Seeding seeding(vectors_, squares_);
        for (std::size_t c = 0, i = 0; c < centroids_.rows; ++c) {
            i = c == 0 ? static_cast<std::size_t>(random.uniform() * static_cast<double>(size_))
                       : seeding.draw(random.uniform());
            take(i, centroids_.row(c));
            if (c + 1 < centroids_.rows) seeding.add(centroids_.row(c));
        }
    }

    void assign() {
        CentroidList all({centroids_.data, centroids_.rows, dim_, centroids_.stride});
        vectors_.find_nearest(all, rests_.data(), nearest_.data());
    }

    /// Takes vectors whose nearest centroid is another now from sum to sum; returns their number.
    std::size_t move_vectors() {
        std::size_t moved = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            const std::uint32_t before = summed_[i], now = nearest_[i];
            if (before == now) continue;
            const float* column = vectors_.column(i);
            for (std::size_t d = 0; d < dim_; ++d) {
                sums_[before * dim_ + d] -= double{column[d * pq_panel_columns]};
                sums_[now * dim_ + d] += double{column[d * pq_panel_columns]};
            }
            --counts_[before], ++counts_[now], ++moved;
            summed_[i] = now;
        }
        return moved;
    }

    /// Moves the centroids to the means of their vectors, and on by `beyond` times as far.
    void update(float beyond) {
        std::vector<std::size_t> farthest;  // first is farthest; made when the first empty cluster is met
        std::size_t taken = 0;
        for (std::size_t c = 0; c < centroids_.rows; ++c) {
            if (counts_[c] > 0) {
                for (std::size_t d = 0; d < dim_; ++d) {
                    float& value = centroids_.row(c)[d];
                    const auto mean =
                        static_cast<float>(sums_[c * dim_ + d] / static_cast<double>(counts_[c]));
                    value = beyond > 0 ? mean + beyond * (mean - value) : mean;
                }
                continue;
            }
            std::fill_n(sums_.begin() + static_cast<std::ptrdiff_t>(c * dim_), dim_, 0.0);  // not only nearly
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

    NearPanels vectors_;
    std::size_t size_, dim_;
    MatrixView<float> centroids_;
    std::vector<float> squares_, rests_;
    std::vector<std::uint32_t> nearest_;
    std::vector<std::uint32_t> summed_;  // whose sum each vector is in: at first that of none, the last
    std::vector<double> sums_;
    std::vector<std::ptrdiff_t> counts_;
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
    require_in_range(vectors, "vectors");

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
        const auto rows = sub_vectors(vectors, chosen, m * own.cols, own.cols);
        SubspaceKMeans kmeans({rows.data(), chosen.size(), own.cols}, {found.data(), k, own.cols});
        distances[m] = kmeans.run(options.num_iterations, initial, CounterRandom(options.seed, m));
        for (std::size_t c = 0; c < k; ++c) std::copy_n(found.data() + c * own.cols, own.cols, own.row(c));
    });
    return std::accumulate(distances.begin(), distances.end(), 0.0) / static_cast<double>(chosen.size());
}

}  // namespace hcbir
