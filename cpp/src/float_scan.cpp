#include "float_scan.hpp"

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t chunk_rows = 128;  // selected at once: the bar rises between

}  // namespace

void FloatScan::scan_rows(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                          std::size_t last, Candidates& candidates) {
    const auto rows = problem_.rows.floats(first_row, count, floats_);
    const auto& queries = problem_.queries;
    keys_.reserve(count);
    scores_.reserve((last - first) * count);
    selected_.reserve(count);
    first_row_ = first_row;
    problem_.kernels.dot_rows(queries.row(base + first), queries.stride, last - first, rows.data, rows.stride,
                              count, rows.cols, scores_.data(), count, keys_.squared());
    keys_.prepare(rows);
    for (std::size_t q = first; q < last; ++q) {
        Threshold threshold(keys_.margin(base + q), candidates.bar(q));
        for (std::size_t j = 0; j < count; j += chunk_rows)
            collect(q, scores_.data() + (q - first) * count + j, j, std::min(chunk_rows, count - j),
                    threshold, candidates);
    }
}

void FloatScan::scan_tiles(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                           std::size_t last, const FloatPanels& panels, Candidates& candidates) {
    const auto& kernels = problem_.kernels;
    const auto rows = problem_.rows.floats(first_row, count, floats_);
    const std::size_t strip = queries_at_once(rows.cols);
    keys_.reserve(count);
    panels_.reserve(count, kernels.tile_rows, rows.cols);
    scores_.reserve(strip * chunk_rows);
    selected_.reserve(chunk_rows);
    first_row_ = first_row;
    kernels.squared_norms(rows.data, rows.stride, count, rows.cols, keys_.squared());
    keys_.prepare(rows);
    panels_.fill(0, rows, 0, count);
    for (std::size_t begin = first; begin < last; begin += strip) {
        const std::size_t end = std::min(begin + strip, last);
        thresholds_.clear();
        for (std::size_t q = begin; q < end; ++q)
            thresholds_.emplace_back(keys_.margin(base + q), candidates.bar(q));
        for (std::size_t j = 0; j < count; j += chunk_rows) {
            const std::size_t chunk = std::min(chunk_rows, count - j);
            multiply(kernels.dot_tile, panels, {begin, end}, panels_, {j, j + chunk}, scores_.data(),
                     chunk_rows);
            for (std::size_t q = begin; q < end; ++q)
                collect(q, scores_.data() + (q - begin) * chunk_rows, j, chunk, thresholds_[q - begin],
                        candidates);
        }
    }
}

/// Takes up those of `count` rows, from row j of the block, that may be among the best.
void FloatScan::collect(std::size_t q, const float* scores, std::size_t j, std::size_t count,
                        Threshold& threshold, Candidates& candidates) {
    const float *scale = keys_.scale() + j, *offset = keys_.offset() + j;
    const std::size_t found =
        problem_.kernels.select(scores, scale, offset, count, threshold.key, selected_.data());
    for (std::size_t s = 0; s < found; ++s) {
        const std::size_t i = selected_[s];
        const float key = scores[i] * scale[i] + offset[i];
        const bool known = std::isfinite(key);
        const float lower = known ? difference_below(key, threshold.margin) : -infinity;
        const float upper = known ? sum_above(key, threshold.margin) : infinity;
        if (candidates.add(q, lower, upper, first_row_ + j + i, true))
            threshold = Threshold(threshold.margin, candidates.bar(q));
    }
}

}  // namespace hcbir
