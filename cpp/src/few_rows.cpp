#include "few_rows.hpp"

#include "float_keys.hpp"
#include "float_panels.hpp"
#include "topk.hpp"

namespace hcbir {
namespace {

constexpr std::size_t most_rows = 16384, most_values = 4'000'000;
constexpr std::size_t num_bins = 512;
constexpr std::size_t most_counted = 512;  // rows that are ordered by counting, not by sorting

/// A key that the k largest of n finite keys reach: of those with the k-th, or a little below.
class KthKey {
public:
    explicit KthKey(std::size_t n) : largest_(n) {}

    float operator()(const float* keys, std::size_t n, std::size_t k) {
        const std::size_t count = gather(keys, n, k);
        const auto [lowest, highest] = range(largest_.data(), count);
        if (k == 1) return highest;
        const float scale = (num_bins - 1) / (highest - lowest);
        if (!(scale < 1e30f && scale > 0)) return lowest;
        std::uint16_t counts[num_bins + 1] = {};
        for (std::size_t i = 0; i < count; ++i)  // rises with the key, whatever the rounding
            ++counts[static_cast<std::int32_t>((largest_[i] - lowest) * scale)];
        std::size_t bin = num_bins, reached = counts[bin];
        while (reached < k) reached += counts[--bin];
        if (reached > k + k / 4 + few_more) {
            const auto kth = largest_.data() + k - 1;
            std::nth_element(largest_.data(), kth, largest_.data() + count, std::greater<>());
            return *kth;
        }
        // Where the bin begins, less what three roundings of a difference may add.
        const double begin = lowest + static_cast<double>(bin) / scale;
        return round_down(begin - 0x1p-22 * (double{highest} - lowest));
    }

private:
    static constexpr std::size_t fewest_groups = 64, groups_a_key = 4, few_more = 8;

    /// The largest of each of some groups of keys, of which k are about the k largest; or all keys.
    std::size_t gather(const float* keys, std::size_t n, std::size_t k) {
        const std::size_t groups = std::max(groups_a_key * k, fewest_groups);
        if (2 * groups > n) {
            std::copy_n(keys, n, largest_.data());
            return n;
        }
        float* largest = largest_.data();
        std::copy_n(keys, groups, largest);
        for (std::size_t j = groups; j < n; j += groups) {
            const std::size_t count = std::min(groups, n - j);
            for (std::size_t i = 0; i < count; ++i)
                largest[i] = keys[j + i] > largest[i] ? keys[j + i] : largest[i];
        }
        return groups;
    }

    /// The least and the largest, a lane at a time so that compilers use vectors.
    static std::pair<float, float> range(const float* keys, std::size_t n) {
        constexpr std::size_t lanes = 16;
        float lowest[lanes], highest[lanes];
        std::fill_n(lowest, lanes, keys[0]), std::fill_n(highest, lanes, keys[0]);
        std::size_t i = 0;
        for (; i + lanes <= n; i += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                lowest[l] = keys[i + l] < lowest[l] ? keys[i + l] : lowest[l];
                highest[l] = keys[i + l] > highest[l] ? keys[i + l] : highest[l];
            }
        for (; i < n; ++i)
            lowest[0] = std::min(lowest[0], keys[i]), highest[0] = std::max(highest[0], keys[i]);
        return {*std::min_element(lowest, lowest + lanes), *std::max_element(highest, highest + lanes)};
    }

    AlignedBuffer<float> largest_;
};

/// Puts scores, given in ascending order of rows, into the order of the result.
class Ranks {
public:
    explicit Ranks(const kernels::Table& kernels) : kernels_(kernels) {}

    /// put(rank, which) for the k best of `count`.
    template <class Put>
    void operator()(std::vector<float>& scores, std::size_t k, Put put) {
        const std::size_t count = scores.size();
        if (count > most_counted) return sort(scores, k, put);
        const std::size_t padded = ceil_div(count, kernels::counted_at_once) * kernels::counted_at_once;
        ordered_.resize(padded), scores.resize(padded);
        kernels_.order_scores(scores.data(), padded, ordered_.data());
        std::fill(ordered_.begin() + static_cast<std::ptrdiff_t>(count), ordered_.end(),
                  std::numeric_limits<std::int32_t>::min());
        larger_.assign(count, 0), equal_.assign(count, 0);
        kernels_.count_above(ordered_.data(), padded, ordered_.data(), count, larger_.data());
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t rank = larger_[i] + equal_[larger_[i]]++;
            if (rank < k) put(rank, i);
        }
    }

private:
    template <class Put>
    void sort(const std::vector<float>& scores, std::size_t k, Put put) {
        best_.clear();
        for (const float score : scores) best_.push_back({score, static_cast<std::int64_t>(best_.size())});
        const auto end = best_.begin() + static_cast<std::ptrdiff_t>(k);
        if (scores.size() > 2 * k) std::nth_element(best_.begin(), end - 1, best_.end());
        std::sort(best_.begin(), scores.size() > 2 * k ? end : best_.end());
        for (std::size_t rank = 0; rank < k; ++rank) put(rank, static_cast<std::size_t>(best_[rank].index));
    }

    const kernels::Table& kernels_;
    std::vector<std::int32_t> ordered_;
    std::vector<std::uint32_t> larger_, equal_;  // scores above each; of the same score, met so far
    std::vector<Candidate> best_;
};

class FewRows {
public:
    FewRows(const SearchProblem& problem, Executor& executor)
        : problem_(problem),
          executor_(executor),
          rows_(problem.rows.floats(0, problem.rows.size(), floats_)),
          keys_(problem) {
        keys_.reserve(rows_.rows);
    }

    bool run(MatrixView<float> scores, MatrixView<std::int64_t> indices) {
        const std::size_t num_queries = problem_.queries.rows, n = rows_.rows;
        const bool tiled = num_queries > few_queries;
        AlignedBuffer<float> few;  // all products, where queries are few
        if (tiled)
            pack_rows();
        else
            few = multiply_rows();
        if (!keys_.prepare(rows_)) return false;

        const std::size_t stride = tiled ? panels_.padded() : n;
        const std::size_t tile = tiled ? problem_.kernels.tile_queries : 1;
        const std::size_t num_tiles = ceil_div(num_queries, tile);
        const std::size_t tiles_a_task =
            std::clamp(num_tiles / (tasks_a_worker * executor_.size()), std::size_t{1}, most_tiles);
        const std::size_t height = tiles_a_task * tile;
        std::vector<Worker> workers;
        for (std::size_t w = 0; w < executor_.size(); ++w)
            workers.emplace_back(problem_, n, tiled ? height * stride : 0);
        executor_.parallel_for(ceil_div(num_queries, height), [&](std::size_t task, std::size_t w) {
            const std::size_t first = task * height, count = std::min(height, num_queries - first);
            const float* products = tiled ? multiply_tiles(workers[w], first, count) : few.data() + first * n;
            for (std::size_t q = first; q < first + count; ++q, products += stride)
                pick(workers[w], q, products, scores.row(q), indices.row(q));
        });
        return true;
    }

private:
    static constexpr std::size_t panels_a_task = 16, tasks_a_worker = 4, most_tiles = 8;
    static constexpr std::size_t cached_values = 32 * 1024;  // of rows, met by a task's queries in turn

    struct Worker {
        Worker(const SearchProblem& problem, std::size_t n, std::size_t num_products)
            : products(num_products),
              keys(n),
              selected(n),
              kth(n),
              query(problem.queries.cols + 15),
              ranks(problem.kernels) {}
        FloatPanels queries;
        AlignedBuffer<float> products, keys;
        AlignedBuffer<std::uint32_t> selected;
        KthKey kth;
        std::vector<double> query, products_f64;
        std::vector<const float*> rows;
        std::vector<float> scores;
        Ranks ranks;
    };

    void pack_rows() {
        const std::size_t width = problem_.kernels.tile_rows, num_panels = ceil_div(rows_.rows, width);
        panels_.reserve(rows_.rows, width, rows_.cols);
        executor_.parallel_for(ceil_div(num_panels, panels_a_task), [&](std::size_t task, std::size_t) {
            const std::size_t first = task * panels_a_task * width;
            const std::size_t count = std::min(panels_a_task * width, rows_.rows - first);
            problem_.kernels.squared_norms(rows_.row(first), rows_.stride, count, rows_.cols,
                                           keys_.squared() + first);
            panels_.fill(first, rows_, first, count);
        });
    }

    /// Of all queries with all rows, and the rows' squares.
    AlignedBuffer<float> multiply_rows() {
        constexpr std::size_t at_once = 4;  // queries, as dot_rows likes it
        const auto& queries = problem_.queries;
        const std::size_t n = rows_.rows, rows_a_task = std::max(cached_values / rows_.cols, std::size_t{16});
        AlignedBuffer<float> products(queries.rows * n);
        executor_.parallel_for(ceil_div(n, rows_a_task), [&](std::size_t task, std::size_t) {
            const std::size_t row = task * rows_a_task, count = std::min(rows_a_task, n - row);
            float* squared = keys_.squared() + row;
            for (std::size_t q = 0; q < queries.rows || squared; q += at_once, squared = nullptr)
                problem_.kernels.dot_rows(queries.row(q), queries.stride, std::min(at_once, queries.rows - q),
                                          rows_.row(row), rows_.stride, count, rows_.cols,
                                          products.data() + q * n + row, n, squared);
        });
        return products;
    }

    /// Of `count` queries from `first` on with all rows.
    const float* multiply_tiles(Worker& worker, std::size_t first, std::size_t count) {
        const auto& kernels = problem_.kernels;
        worker.queries.reserve(count, kernels.tile_queries, rows_.cols);
        worker.queries.fill(0, problem_.queries, first, count);
        multiply(kernels.dot_tile, worker.queries, {0, count}, panels_, {0, rows_.rows},
                 worker.products.data(), panels_.padded());
        return worker.products.data();
    }

    /// The best rows of a query, by its products.
    void pick(Worker& worker, std::size_t query, const float* products, float* scores,
              std::int64_t* indices) {
        const std::size_t n = rows_.rows, k = problem_.k;
        const float* keys = products;
        if (problem_.metric != Metric::dot) {
            for (std::size_t j = 0; j < n; ++j)
                worker.keys[j] = products[j] * keys_.scale()[j] + keys_.offset()[j];
            keys = worker.keys.data();
        }
        const float least = difference_below(worker.kth(keys, n, k), 2 * keys_.margin(query));
        const std::size_t found = problem_.kernels.select(products, keys_.scale(), keys_.offset(), n, least,
                                                          worker.selected.data());
        score(worker, query, found);
        worker.ranks(worker.scores, k, [&](std::size_t rank, std::size_t which) {
            scores[rank] = worker.scores[which];
            indices[rank] = problem_.rows.index(worker.selected[which]);
        });
    }

    /// The rows that were selected.
    void score(Worker& worker, std::size_t query, std::size_t count) {
        worker.scores.resize(count);
        if (problem_.metric != Metric::dot) {
            for (std::size_t s = 0; s < count; ++s)
                worker.scores[s] = problem_.score(query, rows_.row(worker.selected[s]));
            return;
        }
        const auto values = problem_.queries.row_span(query);
        std::copy(values.begin(), values.end(), worker.query.begin());
        worker.rows.clear(), worker.products_f64.resize(count);
        for (std::size_t s = 0; s < count; ++s) worker.rows.push_back(rows_.row(worker.selected[s]));
        problem_.kernels.dots_f64(worker.query.data(), worker.rows.data(), count, rows_.cols,
                                  worker.products_f64.data());
        for (std::size_t s = 0; s < count; ++s) worker.scores[s] = static_cast<float>(worker.products_f64[s]);
    }

    const SearchProblem& problem_;
    Executor& executor_;
    AlignedBuffer<float> floats_;
    FloatPanels panels_;
    MatrixView<const float> rows_;
    FloatKeys keys_;
};

}  // namespace

bool is_small(std::size_t rows, std::size_t cols) { return rows <= most_rows && rows * cols <= most_values; }

bool search_few_rows(const SearchProblem& problem, MatrixView<float> scores, MatrixView<std::int64_t> indices,
                     Executor& executor) {
    return FewRows(problem, executor).run(scores, indices);
}

}  // namespace hcbir
