#include "false_alarms.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace hcbir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// log10 of n over k.
double log10_binomial(std::size_t n, std::size_t k) {
    double sum = 0, product = 1;
    for (std::size_t i = 0; i < k; ++i) {
        product *= static_cast<double>(n - i) / static_cast<double>(i + 1);
        if (product > 1e250) sum += std::log10(product), product = 1;
    }
    return sum + std::log10(product);
}

/// Numbers of the squares of a grid along one axis.
std::vector<double> squares_along(const std::vector<double>& x, double side) {
    std::vector<double> squares(x.size());
    bool all_small = true;
    for (std::size_t i = 0; i < x.size(); ++i) {
        squares[i] = x[i] / side;
        all_small &= std::abs(squares[i]) < 0x1p53;
    }
    for (double& square : squares) {
        if (all_small) {  // std::floor is a call into the library on processors of every kind
            const auto whole = static_cast<double>(static_cast<std::int64_t>(square));
            square = whole - static_cast<double>(whole > square);
        } else {
            square = std::floor(square) + 0.0;  // no -0
        }
    }
    return squares;
}

/// Of the points' bounding box.
double box_area(const std::vector<double>& x, const std::vector<double>& y) {
    double left = infinity, right = -infinity, top = infinity, bottom = -infinity;
    for (std::size_t i = 0; i < x.size(); ++i) {
        left = std::min(left, x[i]), right = std::max(right, x[i]);
        top = std::min(top, y[i]), bottom = std::max(bottom, y[i]);
    }
    return (right - left) * (bottom - top);
}

/// Which different squares of a grid, with this side, points lie in; by a hash table with open addressing.
class Squares {
public:
    Squares(const std::vector<double>& x, const std::vector<double>& y, double side) : first_in_(x.size()) {
        const std::vector<double> column = squares_along(x, side), row = squares_along(y, side);
        const int bits = std::bit_width(x.size()) + 1, shift = 64 - bits;
        std::vector<std::uint32_t> table(std::size_t{1} << bits);  // 1 + the first point there, 0 if free
        for (std::size_t i = 0; i < x.size(); ++i) {
            // Small whole numbers differ in their upper bits only, and a product passes on what differs
            // upwards.
            const std::uint64_t key =
                std::bit_cast<std::uint64_t>(column[i]) ^ std::rotl(std::bit_cast<std::uint64_t>(row[i]), 32);
            std::size_t slot = key * 0x9e3779b97f4a7c15u >> shift;
            const auto is_other = [&](std::size_t first) {
                return (column[first] != column[i]) | (row[first] != row[i]);
            };
            while (table[slot] && is_other(table[slot] - 1)) slot = (slot + 1) & (table.size() - 1);
            if (!table[slot]) table[slot] = static_cast<std::uint32_t>(i + 1), ++count_;
            first_in_[i] = table[slot] - 1;
        }
    }

    std::size_t count() const { return count_; }
    std::size_t count(std::span<const std::uint8_t> mask) const {
        std::vector<std::uint8_t> seen(first_in_.size());
        std::size_t number = 0;
        for (std::size_t i = 0; i < mask.size(); ++i) {
            std::uint8_t& here = seen[first_in_[i]];
            number += mask[i] > here;
            here |= mask[i];
        }
        return number;
    }

private:
    std::vector<std::uint32_t> first_in_;  // of each point's square, the first point
    std::size_t count_ = 0;
};

}  // namespace

double log10_nfa(const PointMatches& m, std::span<const std::uint8_t> inlier_mask, GeometricModel model,
                 double max_error) {
    const std::size_t sample = sample_size(model);
    const auto num_inliers = static_cast<std::size_t>(std::count(inlier_mask.begin(), inlier_mask.end(), 1));
    if (num_inliers <= sample) return infinity;
    // Points within one square of side max_error count once, in the image where these are fewer: keypoints
    // found twice, at two scales or angles, are no independent evidence.
    const Squares in0(m.x0, m.y0, max_error), in1(m.x1, m.y1, max_error);
    const std::size_t k = std::min(in0.count(inlier_mask), in1.count(inlier_mask));
    const std::size_t n = std::min(in0.count(), in1.count());
    return log10_nfa(n, k, sample, share_by_chance(m, max_error));
}

double log10_nfa(std::size_t n, std::size_t k, std::size_t sample, double by_chance) {
    if (k <= sample || !(by_chance < 1)) return infinity;
    return std::log10(static_cast<double>(n - sample)) + log10_binomial(n, k) + log10_binomial(k, sample) +
           static_cast<double>(k - sample) * std::log10(by_chance);
}

double share_by_chance(const PointMatches& m, double max_error) {
    return std::numbers::pi * max_error * max_error / box_area(m.x1, m.y1);
}

}  // namespace hcbir
