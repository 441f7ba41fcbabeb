#include "false_alarms.hpp"

#include <algorithm>
#include <array>
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

/// Numbers of the squares of a grid along one axis; those farther off than any image reaches count as one.
std::vector<std::int64_t> squares_along(const std::vector<double>& x, double side) {
    constexpr double farthest = 0x1p62;
    const double inverse = 1 / side;
    std::vector<std::int64_t> squares(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {  // without branches, and calls of std::floor
        const double square = std::min(farthest, std::max(-farthest, x[i] * inverse));
        const auto towards_zero = static_cast<std::int64_t>(square);
        squares[i] = towards_zero - (static_cast<double>(towards_zero) > square);
    }
    return squares;
}

/// Of the points' bounding box; those along a line fill a strip as wide as a place.
double box_area(const std::vector<double>& x, const std::vector<double>& y, double place) {
    double left = infinity, right = -infinity, top = infinity, bottom = -infinity;
    for (std::size_t i = 0; i < x.size(); ++i) {
        left = std::min(left, x[i]), right = std::max(right, x[i]);
        top = std::min(top, y[i]), bottom = std::max(bottom, y[i]);
    }
    return std::max(right - left, place) * std::max(bottom - top, place);
}

struct Places {
    std::size_t all = 0, of_inliers = 0;
};

/// In how many different places matches lie, a place being a square of a grid in image 0 with one in image 1,
/// of side max_error, about a corner of the grid; by a hash table with open addressing.
Places count_places(const PointMatches& m, std::span<const std::uint8_t> inlier_mask, double max_error) {
    std::array<std::vector<std::int64_t>, 4> squares;
    for (std::size_t c = 0; c < 4; ++c) squares[c] = squares_along(*m.columns()[c], max_error);
    const auto& [column0, row0, column1, row1] = squares;
    const auto hash = [&](std::size_t i) {
        std::uint64_t key = 0;
        for (const auto& square : squares) key = std::rotl(key, 16) ^ static_cast<std::uint64_t>(square[i]);
        return key * 0x9e3779b97f4a7c15u;
    };
    const auto are_same = [&](std::size_t i, std::size_t k) {
        return (column0[i] == column0[k]) & (row0[i] == row0[k]) & (column1[i] == column1[k]) &
               (row1[i] == row1[k]);
    };
    const int bits = std::bit_width(m.size()) + 1;
    std::vector<std::uint32_t> table(std::size_t{1} << bits);  // 1 + the first match there, 0 if free
    std::vector<std::uint8_t> has_inlier(m.size());            // of each first match's place
    Places places;
    for (std::size_t i = 0; i < m.size(); ++i) {
        std::size_t slot = hash(i) >> (64 - bits);
        while (table[slot] && !are_same(table[slot] - 1, i)) slot = (slot + 1) & (table.size() - 1);
        if (!table[slot]) table[slot] = static_cast<std::uint32_t>(i + 1), ++places.all;
        std::uint8_t& here = has_inlier[table[slot] - 1];
        places.of_inliers += inlier_mask[i] > here;
        here |= inlier_mask[i];
    }
    return places;
}

/// By how much the model enlarges areas at the centroid of its inliers in image 0.
double enlargement(const Matrix3& m, const PointMatches& matches, std::span<const std::uint8_t> inlier_mask) {
    double count = 0, x = 0, y = 0;
    for (std::size_t i = 0; i < matches.size(); ++i)
        count += inlier_mask[i], x += inlier_mask[i] * matches.x0[i], y += inlier_mask[i] * matches.y0[i];
    const double w = (m[6] * x + m[7] * y) / count + m[8];
    const double determinant = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                               m[2] * (m[3] * m[7] - m[4] * m[6]);
    return determinant / (w * w * w);
}

}  // namespace

double log10_nfa(const PointMatches& m, std::span<const std::uint8_t> inlier_mask, GeometricModel type,
                 const Matrix3& model, double max_error) {
    const std::size_t sample = sample_size(type);
    const auto num_inliers = static_cast<std::size_t>(std::count(inlier_mask.begin(), inlier_mask.end(), 1));
    if (num_inliers <= sample) return infinity;
    const auto [n, k] = count_places(m, inlier_mask, max_error);
    const double in1 = share_by_chance(m, max_error);
    const double in0 = std::numbers::pi * max_error * max_error / enlargement(model, m, inlier_mask) /
                       box_area(m.x0, m.y0, max_error);
    return log10_nfa(n, k, sample, in0 > in1 ? std::sqrt(in0 * in1) : in1);
}

double log10_nfa(std::size_t n, std::size_t k, std::size_t sample, double by_chance) {
    if (k <= sample || !(by_chance < 1)) return infinity;
    return std::log10(static_cast<double>(n - sample)) + log10_binomial(n, k) + log10_binomial(k, sample) +
           static_cast<double>(k - sample) * std::log10(by_chance);
}

double share_by_chance(const PointMatches& m, double max_error) {
    return std::numbers::pi * max_error * max_error / box_area(m.x1, m.y1, max_error);
}

}  // namespace hcbir
