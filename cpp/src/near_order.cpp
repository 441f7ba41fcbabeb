#include "near_order.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t few = 1024, looked_at = 256, looked_at_of_few = 64;  // rows

class Halving {
public:
    Halving(std::vector<float>& rows, std::size_t dim, std::size_t run)
        : rows_(rows), moved_(rows.size()), dim_(dim), run_(run) {}

    /// The rows stand in rows_, or in moved_, and end in rows_.
    void halve(std::size_t first, std::size_t count, bool moved) {
        float* from = (moved ? moved_ : rows_).data() + first * dim_;
        float* to = (moved ? rows_ : moved_).data() + first * dim_;
        if (count <= run_) {
            if (moved) std::copy_n(from, count * dim_, to);
            return;
        }
        const std::size_t left = std::bit_ceil(ceil_div(count, run_)) / 2 * run_;
        split(from, count, left, to);
        halve(first, left, !moved);
        halve(first + left, count - left, !moved);
    }

private:
    /// A dimension, and between which values the rows are likely to part.
    struct Cut {
        std::size_t d;
        float low, high;
    };

    /// Writes the `left` rows with the smallest values of a wide dimension before the others, in any order.
    void split(float* from, std::size_t count, std::size_t left, float* to) {
        Cut cut = look(from, count, left);
        std::size_t before = 0, after = 0, between = 0;  // rows that went there
        for (std::size_t i = 0; i < count; ++i) {
            const float value = from[i * dim_ + cut.d];
            before += value<cut.low, after += value> cut.high;
        }
        if (before > left || after > count - left) cut.low = -infinity, cut.high = infinity;
        // Those between gather where rows have been read. By numbers, since branches would be guessed
        // wrongly.
        float* next[] = {from, to, to + (count - 1) * dim_};
        const auto step = static_cast<std::ptrdiff_t>(dim_);
        const std::ptrdiff_t steps[] = {step, step, -step};
        for (std::size_t i = 0; i < count; ++i) {
            const float* row = from + i * dim_;
            const unsigned part = unsigned{row[cut.d] < cut.low} + 2 * unsigned{row[cut.d] > cut.high};
            copy(row, next[part]);
            next[part] += steps[part];
        }
        before = static_cast<std::size_t>(next[1] - to) / dim_;
        between = static_cast<std::size_t>(next[0] - from) / dim_;
        order_.clear();
        for (std::size_t i = 0; i < between; ++i) order_.push_back({from[i * dim_ + cut.d], i});
        const auto nth = order_.begin() + static_cast<std::ptrdiff_t>(left - before);
        if (nth != order_.end()) std::nth_element(order_.begin(), nth, order_.end());
        for (std::size_t i = 0; i < between; ++i)
            copy(from + order_[i].second * dim_, to + (before + i) * dim_);
    }

    /// Guesses from some of the rows.
    Cut look(const float* rows, std::size_t count, std::size_t left) {
        const std::size_t num = std::min(count, count < few ? looked_at_of_few : looked_at);
        const std::size_t step = count / num * dim_;
        Cut widest{};
        for (std::size_t d = 0; d < dim_; ++d) {
            float low = rows[d], high = low;
            for (std::size_t j = 1; j < num; ++j) {
                const float value = rows[j * step + d];
                low = std::min(low, value), high = std::max(high, value);
            }
            if (d == 0 || high - low > widest.high - widest.low) widest = {d, low, high};
        }
        values_.resize(num);
        for (std::size_t j = 0; j < num; ++j) values_[j] = rows[j * step + widest.d];
        // The rank among those looked at is within two standard deviations of what it should be.
        const std::size_t rank = left * num / count, spread = num == looked_at ? 16 : 8;
        const auto value = [&](std::size_t at) {
            const auto nth = values_.begin() + static_cast<std::ptrdiff_t>(at);
            std::nth_element(values_.begin(), nth, values_.end());
            return *nth;
        };
        return {widest.d, rank < spread ? -infinity : value(rank - spread),
                rank + spread >= num ? infinity : value(rank + spread)};
    }

    void copy(const float* from, float* to) const {
        if (dim_ == 4) {
            std::copy_n(from, 4, to);
            return;
        }
        for (std::size_t d = 0; d < dim_; ++d) to[d] = from[d];
    }

    static constexpr float infinity = std::numeric_limits<float>::infinity();

    std::vector<float>&rows_, moved_;
    std::size_t dim_, run_;
    std::vector<float> values_;
    std::vector<std::pair<float, std::size_t>> order_;
};

}  // namespace

std::vector<float> near_order(MatrixView<const float> rows, std::size_t run) {
    std::vector<float> ordered(rows.rows * rows.cols);
    for (std::size_t i = 0; i < rows.rows; ++i)
        std::copy_n(rows.row(i), rows.cols, ordered.data() + i * rows.cols);
    Halving(ordered, rows.cols, run).halve(0, rows.rows, false);
    return ordered;
}

}  // namespace hcbir
