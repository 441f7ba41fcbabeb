#include "float_scan.hpp"

namespace hcbir {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t chunk_rows = 128;      // selected at once: the bar rises between
constexpr std::size_t queries_at_once = 64;  // that meet a block's rows

}  // namespace

void FloatScan::scan(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                     std::size_t last, const PackedQueries& queries, Candidates& candidates) {
    const auto rows = problem_.rows.floats(first_row, count, floats_);
    keys_.reserve(count);
    scores_.reserve(std::min(queries_at_once, last - first) * count);
    selected_.reserve(chunk_rows);
    first_row_ = first_row;
    for (std::size_t begin = first; begin < last; begin += queries_at_once) {
        const std::size_t end = std::min(begin + queries_at_once, last);
        queries.multiply(begin, end, rows, scores_.data(), count, begin == first ? keys_.squared() : nullptr);
        if (begin == first) keys_.prepare(rows);
        for (std::size_t q = begin; q < end; ++q) {
            Threshold threshold(keys_.margin(base + q), candidates.bar(q));
            for (std::size_t j = 0; j < count; j += chunk_rows)
                collect(q, scores_.data() + (q - begin) * count + j, j, std::min(chunk_rows, count - j),
                        threshold, candidates);
        }
    }
}

/// Takes up those of `count` rows, from row j of the block, that may be among the best.
void FloatScan::collect(std::size_t q, float* keys, std::size_t j, std::size_t count, Threshold& threshold,
                        Candidates& candidates) {
    keys_.from_products(keys, j, count);
    const std::size_t found = problem_.kernels.select(keys, count, threshold.key, selected_.data());
    for (std::size_t s = 0; s < found; ++s) {
        const std::size_t i = selected_[s];
        const float key = keys[i];
        const bool known = std::isfinite(key);
        const float lower = known ? difference_below(key, threshold.margin) : -infinity;
        const float upper = known ? sum_above(key, threshold.margin) : infinity;
        if (candidates.add(q, lower, upper, first_row_ + j + i, true))
            threshold = Threshold(threshold.margin, candidates.bar(q));
    }
}

}  // namespace hcbir
