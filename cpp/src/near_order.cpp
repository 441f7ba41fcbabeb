#include "near_order.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t num_bins = 256, num_looked_at = 512;

class Halving {
public:
    Halving(std::vector<float>& rows, std::size_t dim, std::size_t run)
        : rows_(rows), moved_(rows.size()), dim_(dim), run_(run), bins_(rows.size() / dim) {}

    void halve(std::size_t first, std::size_t count) {
        if (count <= run_) return;
        const std::size_t left = std::bit_ceil(ceil_div(count, run_)) / 2 * run_;
        split(first, count, left);
        halve(first, left);
        halve(first + left, count - left);
    }

private:
    /// Puts the `left` rows with the smallest values of the widest dimension before the others.
    void split(std::size_t first, std::size_t count, std::size_t left) {
        const auto [d, low, high] = widest(first, count);
        const float bins_a_unit = static_cast<float>(num_bins) / (high - low);
        constexpr float last_bin = num_bins - 1;
        std::size_t ends[num_bins + 1] = {};
        for (std::size_t i = 0; i < count; ++i) {
            const float bin = std::max((row(first + i)[d] - low) * bins_a_unit, 0.0f);
            bins_[i] = bin < last_bin ? static_cast<std::uint8_t>(bin) : num_bins - 1;
            ++ends[bins_[i] + 1];
        }
        std::size_t middle = 0;  // the bin in which the rows are parted
        for (std::size_t b = 0; b < num_bins; ++b) ends[b + 1] += ends[b], middle += ends[b + 1] <= left;
        const std::size_t begin = ends[middle], end = ends[middle + 1];
        for (std::size_t i = 0; i < count; ++i) copy(row(first + i), moved_.data() + ends[bins_[i]]++ * dim_);
        part(begin, end, left, d);
        std::copy_n(moved_.begin(), count * dim_, rows_.begin() + static_cast<std::ptrdiff_t>(first * dim_));
    }

    /// The same among rows begin .. end of moved_, which are fewer.
    void part(std::size_t begin, std::size_t end, std::size_t left, std::size_t d) {
        order_.clear();
        for (std::size_t i = begin; i < end; ++i) order_.push_back({moved_[i * dim_ + d], i});
        std::nth_element(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(left - begin),
                         order_.end());
        const auto nth = order_[left - begin];
        const std::vector<float> old(moved_.begin() + static_cast<std::ptrdiff_t>(begin * dim_),
                                     moved_.begin() + static_cast<std::ptrdiff_t>(end * dim_));
        std::size_t before = begin, after = left;
        for (std::size_t i = begin; i < end; ++i) {
            const float* one = old.data() + (i - begin) * dim_;
            copy(one, moved_.data() + (std::pair(one[d], i) < nth ? before++ : after++) * dim_);
        }
    }

    struct Extent {
        std::size_t d;
        float low, high;
    };
    /// By some hundred of the rows.
    Extent widest(std::size_t first, std::size_t count) const {
        const std::size_t step = ceil_div(count, num_looked_at);
        Extent found{};
        for (std::size_t d = 0; d < dim_; ++d) {
            float low = row(first)[d], high = low;
            for (std::size_t i = first; i < first + count; i += step)
                low = std::min(low, row(i)[d]), high = std::max(high, row(i)[d]);
            if (d == 0 || high - low > found.high - found.low) found = {d, low, high};
        }
        return found;
    }

    const float* row(std::size_t i) const { return rows_.data() + i * dim_; }
    void copy(const float* from, float* to) const {
        for (std::size_t d = 0; d < dim_; ++d) to[d] = from[d];
    }

    std::vector<float>&rows_, moved_;
    std::size_t dim_, run_;
    std::vector<std::uint8_t> bins_;
    std::vector<std::pair<float, std::size_t>> order_;
};

}  // namespace

std::vector<float> near_order(MatrixView<const float> rows, std::size_t run) {
    std::vector<float> ordered;
    ordered.reserve(rows.rows * rows.cols);
    for (std::size_t i = 0; i < rows.rows; ++i)
        ordered.insert(ordered.end(), rows.row(i), rows.row(i) + rows.cols);
    Halving(ordered, rows.cols, run).halve(0, rows.rows);
    return ordered;
}

}  // namespace hcbir
