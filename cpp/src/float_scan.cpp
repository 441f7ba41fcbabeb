#include "float_scan.hpp"

#include <bit>

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr double largest_product = 1e38;    // of two lengths, so that no partial sum overflows
constexpr float shortest_squared = 1e-30f;  // that can be divided by
constexpr std::size_t chunk_rows = 128;     // selected at once: the bar rises between

}  // namespace

void FloatScan::prepare_keys(MatrixView<const float> rows) {
    // Numbers that are not negative compare as their bits do; NaN and infinity are the largest.
    std::uint32_t largest = 0, smallest = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t j = 0; j < rows.rows; ++j) {
        const auto bits = std::bit_cast<std::uint32_t>(squared_[j]);
        largest = std::max(largest, bits), smallest = std::min(smallest, bits);
    }
    const auto longest = std::bit_cast<float>(largest), shortest = std::bit_cast<float>(smallest);
    const bool cosine = problem_.metric == Metric::cosine;
    if (!std::isfinite(longest) || (cosine && !(shortest > shortest_squared))) return prepare_each_key(rows);
    max_norm_ = problem_.error.length(longest), max_scale_ = cosine ? 1 / std::sqrt(shortest) : 1;
    if (!(max_norm_ * problem_.max_query_norm < largest_product)) return prepare_each_key(rows);
    std::fill_n(scale_.data(), rows.rows, 1.0f);
    std::fill_n(offset_.data(), rows.rows, 0.0f);
    if (cosine)
        for (std::size_t j = 0; j < rows.rows; ++j) scale_[j] = 1 / std::sqrt(squared_[j]);
    if (problem_.metric == Metric::l2)
        for (std::size_t j = 0; j < rows.rows; ++j) offset_[j] = -squared_[j] / 2;
}

/// The same where not every row is fit for bounds.
void FloatScan::prepare_each_key(MatrixView<const float> rows) {
    max_norm_ = max_scale_ = 0;
    for (std::size_t j = 0; j < rows.rows; ++j) {
        const double norm = problem_.error.length(squared_[j]);
        bool safe = norm * problem_.max_query_norm < largest_product;
        if (problem_.metric == Metric::cosine) safe = safe && squared_[j] > shortest_squared;
        if (!std::isfinite(squared_[j])) {
            safe = false;
            for (const float x : rows.row_span(j))
                if (!std::isfinite(x)) throw NonFinite{};
        }
        scale_[j] = 1, offset_[j] = 0;
        if (!safe) {  // never below any threshold
            scale_[j] = 0, offset_[j] = infinity;
            continue;
        }
        max_norm_ = std::max(max_norm_, norm);
        if (problem_.metric == Metric::cosine) scale_[j] = 1 / std::sqrt(squared_[j]);
        if (problem_.metric == Metric::l2) offset_[j] = -squared_[j] / 2;
        max_scale_ = std::max(max_scale_, static_cast<double>(scale_[j]));
    }
}

/// Bound of |float key - exact key|.
float FloatScan::margin(std::size_t query) const {
    const double norm = problem_.query_norms[query] * (1 + 1e-14), gamma = problem_.error.relative;
    const double underflow = 4 * problem_.error.underflow;
    switch (problem_.metric) {
        case Metric::dot:
            return round_up(gamma * norm * max_norm_ + underflow);
        case Metric::cosine:
            return round_up(4 * gamma * norm + underflow * max_scale_);
        case Metric::l2:
            return round_up(2 * gamma * (norm + max_norm_) * (norm + max_norm_) + underflow);
    }
    return infinity;
}

void FloatScan::scan_rows(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                          std::size_t last, Candidates& candidates) {
    const auto rows = problem_.rows.floats(first_row, count, floats_);
    const auto& queries = problem_.queries;
    for (auto* buffer : {&squared_, &scale_, &offset_}) buffer->reserve(count);
    scores_.reserve((last - first) * count);
    selected_.reserve(count);
    first_row_ = first_row;
    problem_.kernels.dot_rows(queries.row(base + first), queries.stride, last - first, rows.data, rows.stride,
                              count, rows.cols, scores_.data(), count, squared_.data());
    prepare_keys(rows);
    for (std::size_t q = first; q < last; ++q) {
        Threshold threshold(margin(base + q), candidates.bar(q));
        for (std::size_t j = 0; j < count; j += chunk_rows)
            collect(q, scores_.data() + (q - first) * count + j, j, std::min(chunk_rows, count - j),
                    threshold, candidates);
    }
}

void FloatScan::scan_tiles(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                           std::size_t last, const float* panels, Candidates& candidates) {
    const auto& kernels = problem_.kernels;
    const auto rows = problem_.rows.floats(first_row, count, floats_);
    const std::size_t dim = rows.cols, height = kernels.tile_queries, width = kernels.tile_rows;
    const std::size_t padded = ceil_div(count, width) * width;
    for (auto* buffer : {&squared_, &scale_, &offset_}) buffer->reserve(count);
    panels_.reserve(padded * dim);
    scores_.reserve(height * width);
    selected_.reserve(width);
    first_row_ = first_row;
    kernels.squared_norms(rows.data, rows.stride, count, dim, squared_.data());
    prepare_keys(rows);
    pack_panels(rows, 0, count, width, panels_.data());
    for (std::size_t begin = first; begin < last; begin += height) {
        const std::size_t end = std::min(begin + height, last);
        thresholds_.clear();
        for (std::size_t q = begin; q < end; ++q)
            thresholds_.emplace_back(margin(base + q), candidates.bar(q));
        for (std::size_t j = 0; j < count; j += width) {
            kernels.dot_tile(panels + begin * dim, panels_.data() + j * dim, dim, scores_.data());
            for (std::size_t q = begin; q < end; ++q)
                collect(q, scores_.data() + (q - begin) * width, j, std::min(width, count - j),
                        thresholds_[q - begin], candidates);
        }
    }
}

/// Takes up those of `count` rows, from row j of the block, that may be among the best.
void FloatScan::collect(std::size_t q, const float* scores, std::size_t j, std::size_t count,
                        Threshold& threshold, Candidates& candidates) {
    const float *scale = scale_.data() + j, *offset = offset_.data() + j;
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
