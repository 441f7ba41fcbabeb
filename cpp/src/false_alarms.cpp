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

/// std::floor, which is a call into the library on processors of every kind.
double floor_of(double x) {
    if (!(std::abs(x) < 0x1p53)) return x;
    const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
    return whole > x ? whole - 1 : whole;
}

/// Counts different squares of a grid, by a hash table with open addressing.
class Squares {
public:
    explicit Squares(std::size_t most)
        : shift_(63 - std::bit_width(most + 1)), table_(std::size_t{1} << (64 - shift_), {infinity, 0}) {}

    void add(double x, double y) {
        const std::pair square(floor_of(x), floor_of(y));
        // Small whole numbers differ in their upper bits only, and a product passes on what differs upwards.
        const std::uint64_t bits = std::bit_cast<std::uint64_t>(square.first + 0.0) ^
                                   std::rotl(std::bit_cast<std::uint64_t>(square.second + 0.0), 32);
        for (std::size_t slot = bits * 0x9e3779b97f4a7c15u >> shift_;; ++slot) {
            auto& held = table_[slot & (table_.size() - 1)];
            if (held == square) return;
            if (held.first == infinity) {
                held = square, ++count_;
                return;
            }
        }
    }
    std::size_t count() const { return count_; }

private:
    int shift_;
    std::vector<std::pair<double, double>> table_;
    std::size_t count_ = 0;
};

/// How many different squares with sides of max_error all points, or those of the mask, lie in, in the image
/// where these are fewer: keypoints found twice, at two scales or angles, are no independent evidence.
std::size_t count_places(const PointMatches& m, double side, std::span<const std::uint8_t> mask,
                         std::size_t count) {
    Squares in0(count), in1(count);
    for (std::size_t i = 0; i < m.size(); ++i) {
        if (!mask.empty() && !mask[i]) continue;
        in0.add(m.x0[i] / side, m.y0[i] / side);
        in1.add(m.x1[i] / side, m.y1[i] / side);
    }
    return std::min(in0.count(), in1.count());
}

}  // namespace

double log10_nfa(const PointMatches& m, std::span<const std::uint8_t> inlier_mask, GeometricModel model,
                 double max_error) {
    const std::size_t sample = sample_size(model);
    const auto num_inliers = static_cast<std::size_t>(std::count(inlier_mask.begin(), inlier_mask.end(), 1));
    if (num_inliers <= sample) return infinity;
    const std::size_t k = count_places(m, max_error, inlier_mask, num_inliers);
    if (k <= sample) return infinity;
    const std::size_t n = count_places(m, max_error, {}, m.size());
    const auto [left, right] = std::minmax_element(m.x1.begin(), m.x1.end());
    const auto [top, bottom] = std::minmax_element(m.y1.begin(), m.y1.end());
    const double area = (*right - *left) * (*bottom - *top);
    const double by_chance = std::numbers::pi * max_error * max_error / area;
    if (!(by_chance < 1)) return infinity;
    return std::log10(static_cast<double>(n - sample)) + log10_binomial(n, k) + log10_binomial(k, sample) +
           static_cast<double>(k - sample) * std::log10(by_chance);
}

}  // namespace hcbir
