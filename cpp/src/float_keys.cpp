#include "float_keys.hpp"

#include <bit>

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

}  // namespace

bool FloatKeys::prepare(MatrixView<const float> rows) {
    // Numbers that are not negative compare as their bits do; NaN and infinity are the largest.
    std::uint32_t largest = 0, smallest = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t j = 0; j < rows.rows; ++j) {
        const auto bits = std::bit_cast<std::uint32_t>(squared_[j]);
        largest = std::max(largest, bits), smallest = std::min(smallest, bits);
    }
    const auto longest = std::bit_cast<float>(largest), shortest = std::bit_cast<float>(smallest);
    const bool cosine = problem_.metric == Metric::cosine;
    if (!std::isfinite(longest) || (cosine && !(shortest > shortest_squared))) {
        prepare_each(rows);
        return false;
    }
    max_norm_ = problem_.error.length(longest), max_scale_ = cosine ? 1 / std::sqrt(shortest) : 1;
    if (!(max_norm_ * problem_.max_query_norm < longest_product)) {
        prepare_each(rows);
        return false;
    }
    are_products_ = problem_.metric == Metric::dot;
    if (are_products_) return true;
    scale_.reserve(rows.rows), offset_.reserve(rows.rows);
    std::fill_n(scale_.data(), rows.rows, 1.0f);
    std::fill_n(offset_.data(), rows.rows, 0.0f);
    if (cosine)
        for (std::size_t j = 0; j < rows.rows; ++j) scale_[j] = 1 / std::sqrt(squared_[j]);
    if (problem_.metric == Metric::l2)
        for (std::size_t j = 0; j < rows.rows; ++j) offset_[j] = -squared_[j] / 2;
    return true;
}

/// The same where not every row is fit for bounds.
void FloatKeys::prepare_each(MatrixView<const float> rows) {
    are_products_ = false;
    scale_.reserve(rows.rows), offset_.reserve(rows.rows);
    max_norm_ = max_scale_ = 0;
    for (std::size_t j = 0; j < rows.rows; ++j) {
        const double norm = problem_.error.length(squared_[j]);
        bool safe = norm * problem_.max_query_norm < longest_product;
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

void FloatKeys::from_products(float* products, std::size_t j, std::size_t count) const {
    if (are_products_) return;
    const float *scale = scale_.data() + j, *offset = offset_.data() + j;
    for (std::size_t i = 0; i < count; ++i) products[i] = products[i] * scale[i] + offset[i];
}

/// Bound of |float key - exact key|.
float FloatKeys::margin(std::size_t query) const {
    const double norm = problem_.query_norms[query] * (1 + 1e-14), gamma = problem_.error.relative;
    const double underflow = 4 * problem_.error.underflow;
    switch (problem_.metric) {
        case Metric::dot:
            return round_up(gamma * norm * max_norm_ + underflow);
        case Metric::cosine:
            return round_up(4 * gamma * norm + underflow * max_scale_);
        case Metric::l2:
            return round_up(problem_.l2_margin(norm, max_norm_) + underflow);
    }
    return infinity;
}

}  // namespace hcbir
