#include "hcbir/rerank.hpp"

#include <string>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"
#include "rows.hpp"
#include "shapes.hpp"
#include "topk.hpp"

namespace hcbir {
namespace {

constexpr std::size_t rows_ahead = 4;  // are fetched while one is scored

/// Rows lie far apart: memory, asked for one after another, would take most of the time.
class Fetcher {
public:
    explicit Fetcher(const FullVectors& vectors) : num_rows_(vectors.rows()) {
        const Database& floats = vectors.floats;
        const std::size_t size = floats.rows == 0                      ? 1
                                 : floats.type == ElementType::float32 ? sizeof(float)
                                                                       : sizeof(std::uint16_t);
        start_ = static_cast<const char*>(floats.rows > 0 ? floats.data : vectors.bytes.data);
        step_ = (floats.rows > 0 ? floats.stride : vectors.bytes.stride) * size;
        bytes_ = vectors.cols() * size;
    }

    void operator()(std::int64_t index) const {
        const auto row = static_cast<std::size_t>(index);
        for (std::size_t b = 0; row < num_rows_ && b < bytes_; b += 64)
            __builtin_prefetch(start_ + row * step_ + b);
    }

private:
    std::size_t num_rows_, step_, bytes_;
    const char* start_;
};

}  // namespace

void rerank(MatrixView<const float> queries, const FullVectors& vectors,
            MatrixView<const std::int64_t> candidates, std::size_t k, Metric metric, MatrixView<float> scores,
            MatrixView<std::int64_t> indices, Executor& executor) {
    require(vectors.cols() == queries.cols, "rerank",
            "of the queries' dimension (" + std::to_string(queries.cols) + ")",
            std::to_string(vectors.cols()));
    require(vectors.floats.rows > 0 || vectors.factors.size() == vectors.bytes.rows, "factors",
            "one a row (" + std::to_string(vectors.bytes.rows) + ")", std::to_string(vectors.factors.size()));
    require(metric != Metric::cosine, "metric", "dot or l2", "cosine");
    require(candidates.rows == queries.rows && k >= 1 && k <= candidates.cols, "k",
            "from 1 to the number of candidates (" + std::to_string(candidates.cols) + ")",
            std::to_string(k));
    require_outputs(scores, indices, queries.rows, k);

    const auto& kernels = kernels::active();
    const Rows rows(vectors.floats);
    const Fetcher fetch(vectors);
    std::vector<AlignedBuffer<float>> buffers(executor.size());
    executor.parallel_for(queries.rows, [&](std::size_t q, std::size_t worker) {
        const float* query = queries.row(q);
        TopK best(k);
        const auto wanted = candidates.row_span(q);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (i + rows_ahead < wanted.size()) fetch(wanted[i + rows_ahead]);
            const std::int64_t index = wanted[i];
            const auto row = static_cast<std::size_t>(index);
            require(row < vectors.rows(), "rerank", "a vector for every code",
                    std::to_string(vectors.rows()));
            const float* values = nullptr;
            if (vectors.floats.rows > 0) {
                values = rows.floats(row, 1, buffers[worker]).data;
            } else {
                buffers[worker].reserve(queries.cols);
                kernels.widen_int8(vectors.bytes.row(row), vectors.factors[row], queries.cols,
                                   buffers[worker].data());
                values = buffers[worker].data();
            }
            const double score = metric == Metric::l2
                                     ? 0.0 - kernels.squared_l2_f64(query, values, queries.cols)
                                     : kernels.dot_f64(query, values, queries.cols);
            require(score - score == 0, "rerank", "finite", "a row that is not");
            best.push({static_cast<float>(score), index});
        }
        const auto sorted = best.sorted();
        for (std::size_t i = 0; i < k; ++i) {
            scores.row(q)[i] = sorted[i].score;
            indices.row(q)[i] = sorted[i].index;
        }
    });
}

}  // namespace hcbir
