// The kernels of RANSAC against what their contracts say, written plainly: at every level, over tails of
// every length.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "hcbir/isa.hpp"
#include "kernels/dispatch.hpp"

namespace {

namespace kernels = hcbir::kernels;

std::mt19937 engine(1);

float uniform(float low, float high) { return std::uniform_real_distribution<float>(low, high)(engine); }

bool close(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance * (1 + std::abs(b)); }

template <class Result>
void same_at_every_level(const Result& first, const Result& other) {
    check(first.size() == other.size() &&
              std::memcmp(first.data(), other.data(), first.size() * sizeof(first[0])) == 0,
          "same bits at every level");
}

/// Matches in columns, with 16 more behind them.
template <class T>
struct Matches {
    explicit Matches(std::size_t n, T beyond = 0) : count(n) {
        for (auto& column : columns) {
            column.assign(n + 16, beyond);
            for (std::size_t i = 0; i < n; ++i) column[i] = static_cast<T>(uniform(-2, 2));
        }
    }
    kernels::Pairs<T> pairs(std::size_t multiple = 1) const {
        return {columns[0].data(), columns[1].data(), columns[2].data(), columns[3].data(),
                (count + multiple - 1) / multiple * multiple};
    }
    double squared(std::size_t image, std::size_t i, std::size_t j) const {
        const double dx = columns[2 * image][i] - columns[2 * image][j],
                     dy = columns[2 * image + 1][i] - columns[2 * image + 1][j];
        return dx * dx + dy * dy;
    }

    std::size_t count;
    std::vector<T> columns[4];
};

/// Whether j agrees with i's similarity, by so much that rounding does not decide; 0 where it may.
int agreement(const Matches<float>& m, const std::vector<float> (&turns)[3], std::size_t i, std::size_t j) {
    const double a = turns[1][i], b = turns[2][i];
    const double dx = m.columns[0][j] - m.columns[0][i], dy = m.columns[1][j] - m.columns[1][i];
    const double u = a * dx - b * dy - (m.columns[2][j] - m.columns[2][i]),
                 v = b * dx + a * dy - (m.columns[3][j] - m.columns[3][i]);
    const double scale = std::hypot(a, b), other = std::hypot(turns[1][j], turns[2][j]);
    const double room[] = {
        kernels::turn_log_scale - std::abs(double(turns[0][i]) - turns[0][j]),
        (a * turns[1][j] + b * turns[2][j]) / (scale * other) - kernels::turn_cosine,
        kernels::turn_error - std::hypot(u, v) / (scale * std::hypot(dx, dy)),
    };
    const double least = std::min({room[0], room[1], room[2]});
    return least > 1e-5 ? 1 : least < -1e-5 ? -1 : 0;
}

void test_nearest_pairs(std::size_t n, bool turned) {
    Matches<float> m(n);
    std::vector<float> turns[3];
    for (std::size_t i = 0; i < n + 16; ++i) {
        const float scale = std::exp(uniform(-0.5, 0.5)), angle = uniform(-1, 1);
        turns[0].push_back(std::log(scale));
        turns[1].push_back(scale * std::cos(angle)), turns[2].push_back(scale * std::sin(angle));
        if (i < n && turned)  // many agree with the first
            m.columns[2][i] = m.columns[0][i] + uniform(-0.3f, 0.3f),
            m.columns[3][i] = m.columns[1][i] + uniform(-0.3f, 0.3f);
    }
    std::vector<std::size_t> by(n);
    for (std::size_t i = 0; i < n; ++i) by[i] = i;
    const auto& along = turned ? turns[0] : m.columns[0];
    std::sort(by.begin(), by.end(), [&](std::size_t a, std::size_t b) { return along[a] < along[b]; });
    const auto sort_column = [&](std::vector<float>& column) {
        const auto before = column;
        for (std::size_t i = 0; i < n; ++i) column[i] = before[by[i]];
        std::fill(column.begin() + static_cast<std::ptrdiff_t>(n), column.end(), column[n - 1]);
    };
    for (auto& column : m.columns) sort_column(column);
    for (auto& column : turns) sort_column(column);

    constexpr std::size_t each = kernels::num_neighbours;
    const double apart = 0.05;
    const auto nearest_to = [&](const std::vector<std::uint32_t>& seeds) {
        std::vector<std::uint32_t> nearest(each * seeds.size());
        kernels::active().nearest_pairs(
            m.pairs(), {turned ? turns[0].data() : nullptr, turns[1].data(), turns[2].data()}, apart * apart,
            seeds.data(), seeds.size(), nearest.data());
        return nearest;
    };
    std::vector<std::uint32_t> all(n), first;
    for (std::size_t i = 0; i < n; ++i) all[i] = static_cast<std::uint32_t>(i);
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        const auto nearest = nearest_to(all);
        if (first.empty()) first = nearest;
        same_at_every_level(first, nearest);
        for (const double share : {0.5, 0.1}) {  // some seeds find what all find
            std::vector<std::uint32_t> seeds, expected;
            for (std::size_t i = 0; i < n; ++i) {
                if (uniform(0, 1) > share) continue;
                seeds.push_back(all[i]);
                for (std::size_t k = 0; k < each; ++k) expected.push_back(first[each * i + k]);
            }
            check(nearest_to(seeds) == expected, "some seeds find what all find");
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<double> sure, possible;  // distances of those that must, and that may, be considered
        for (std::size_t j = 0; j < n; ++j) {
            const double nearer = std::min(m.squared(0, i, j), m.squared(1, i, j));
            const int agrees = turned ? agreement(m, turns, i, j) : 1;
            if (i == j || nearer < 0.9999 * apart * apart || agrees < 0) continue;
            possible.push_back(std::max(m.squared(0, i, j), m.squared(1, i, j)));
            if (agrees > 0 && nearer > 1.0001 * apart * apart) sure.push_back(possible.back());
        }
        std::sort(sure.begin(), sure.end()), std::sort(possible.begin(), possible.end());
        for (std::size_t k = 0; k < each; ++k) {
            const std::uint32_t found = first[each * i + k];
            if (found == kernels::no_neighbour) {
                check(k >= sure.size(), "a neighbour is not missed");
                continue;
            }
            check(found < n && found != i && k < possible.size(), "a neighbour");
            const double distance = std::max(m.squared(0, i, found), m.squared(1, i, found));
            check(distance >= possible[k] * (1 - 1e-3), "no farther one is taken for a nearer");
            check(k >= sure.size() || distance <= sure[k] * (1 + 1e-3), "the nearest are found");
        }
    }
}

/// A homography that keeps the origin, applied to neighbours, of which the last `wrong` are then moved.
kernels::Neighbourhood neighbourhood(const double (&h)[6], std::size_t wrong) {
    kernels::Neighbourhood around{};
    for (std::size_t k = 0; k < kernels::num_neighbours; ++k) {
        const double angle = 1.1 * static_cast<double>(k) + uniform(-0.3f, 0.3f), far = uniform(0.5f, 1);
        const double x = far * std::cos(angle), y = far * std::sin(angle), w = 1 + h[4] * x + h[5] * y;
        const double moved = k + wrong >= kernels::num_neighbours ? 1.0 : 0.0;
        around.x0[k] = static_cast<float>(x), around.y0[k] = static_cast<float>(y);
        around.x1[k] = static_cast<float>((h[0] * x + h[1] * y) / w + moved);
        around.y1[k] = static_cast<float>((h[2] * x + h[3] * y) / w - moved);
    }
    return around;
}

void test_proposals() {
    const float bound = 1e-4f;
    for (int round = 0; round < 300; ++round) {
        const int size = 2 + round % 3;
        const double a = uniform(0.7f, 1.4f), c = uniform(-0.4f, 0.4f);
        double h[6] = {a, -c, c, a, 0, 0};
        if (size > 2) h[1] = uniform(-0.3f, 0.3f), h[3] = uniform(0.7f, 1.4f);
        if (size > 3) h[4] = uniform(-0.2f, 0.2f), h[5] = uniform(-0.2f, 0.2f);
        const auto wrong = static_cast<std::size_t>(round / 3) % 4;
        const auto around = neighbourhood(h, wrong);
        const std::size_t left = kernels::num_neighbours - wrong, sample = static_cast<std::size_t>(size) - 1;
        std::vector<kernels::Proposal> all;
        for (const auto& level : hcbir::available_isas()) {
            hcbir::use_isa(level);
            const auto& table = kernels::active();
            const auto propose = size == 2   ? table.propose_similarity
                                 : size == 3 ? table.propose_affine
                                             : table.propose_homography;
            const std::size_t samples = size == 2 ? 6 : size == 3 ? 15 : 16;
            all.push_back(propose(around, samples, 1, bound));
            check(all.front().found == all.back().found &&
                      std::memcmp(all.front().model, all.back().model, sizeof(kernels::Model)) == 0,
                  "same bits at every level");
        }
        const auto& found = all.front();
        check(found.found == (left >= sample + 1), "a model that one more explains is proposed, no other");
        if (!found.found) continue;
        for (std::size_t k = 0; k < left; ++k) {
            const double x = around.x0[k], y = around.y0[k], w = 1 + found.model[6] * x + found.model[7] * y;
            const double u = (found.model[0] * x + found.model[1] * y) / w - around.x1[k],
                         v = (found.model[3] * x + found.model[4] * y) / w - around.y1[k];
            check(u * u + v * v < bound, "the model explains the true ones");
        }
    }
}

/// Seeds with neighbours of which the last are wrong, or missing.
void test_support(std::size_t num_seeds) {
    constexpr std::size_t each = kernels::num_neighbours;
    const double bound = 1e-4;
    Matches<float> m((each + 1) * num_seeds);
    std::vector<std::uint32_t> seeds, nearest;
    std::vector<double> least;  // over three neighbours: the squared error of one under the others' sample
    for (std::size_t s = 0; s < num_seeds; ++s) {
        const double h[6] = {uniform(0.7f, 1.4f), uniform(-0.4f, 0.4f), uniform(-0.4f, 0.4f),
                             uniform(0.7f, 1.4f)};
        const std::size_t wrong = engine() % (each + 1), missing = engine() % 2 ? engine() % (each + 1) : 0;
        const auto around = neighbourhood(h, wrong);
        const auto seed = static_cast<std::uint32_t>((each + 1) * s);
        seeds.push_back(seed), least.push_back(std::numeric_limits<double>::infinity());
        double place[each][4];
        for (std::size_t k = 0; k < each; ++k) {
            const float* const relative[] = {around.x0, around.y0, around.x1, around.y1};
            for (std::size_t c = 0; c < 4; ++c) {
                m.columns[c][seed + k + 1] = m.columns[c][seed] + relative[c][k];
                place[k][c] = double(m.columns[c][seed + k + 1]) - m.columns[c][seed];
            }
            const bool is_missing = k + missing >= each;
            nearest.push_back(is_missing ? kernels::no_neighbour : seed + 1 + static_cast<std::uint32_t>(k));
        }
        const auto area = [&](std::size_t p, std::size_t q) {
            return place[p][0] * place[q][1] - place[p][1] * place[q][0];
        };
        for (std::size_t r = 2; r + missing < each; ++r)
            for (std::size_t q = 1; q < r; ++q)
                for (std::size_t p = 0; p < q; ++p) {
                    const double l[] = {area(q, r), area(r, p), area(p, q)};
                    double u = 0, v = 0, largest = 0;
                    const std::size_t of[] = {p, q, r};
                    for (std::size_t k = 0; k < 3; ++k)
                        u += l[k] * place[of[k]][2], v += l[k] * place[of[k]][3],
                            largest = std::max(largest, l[k] * l[k]);
                    least.back() = std::min(least.back(), (u * u + v * v) / largest);
                }
    }
    std::vector<std::uint8_t> first;
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        std::vector<std::uint8_t> may(num_seeds + 1, 7);
        kernels::active().may_have_support(m.pairs(), seeds.data(), num_seeds, nearest.data(),
                                           static_cast<float>(bound), may.data());
        check(may.back() == 7, "no more are written than there are seeds");
        if (first.empty()) first = may;
        check(first == may, "same bits at every level");
    }
    for (std::size_t s = 0; s < num_seeds; ++s) {
        if (least[s] < bound) check(first[s] == 1, "what has support is kept");
        if (least[s] > 1.1 * bound) check(first[s] == 0, "what has none is not");
    }
}

/// Bound, and scale and unit of robust_sums.
constexpr double squared_bound = 2, squared_scale = 0.3, squared_unit = 1.7 * 1.7;

/// NormalSums of one pair by their definition.
void add_sums(const double (&m)[9], double x, double y, double x1, double y1, bool projective, bool robust,
              kernels::NormalSums& sums) {
    const double w = m[6] * x + m[7] * y + m[8], u = (m[0] * x + m[1] * y + m[2]) / w,
                 v = (m[3] * x + m[4] * y + m[5]) / w;
    double du = x1 - u, dv = y1 - v, weight = 1, squared = du * du + dv * dv;
    if (!(w > 0) || !(squared < squared_bound)) return;
    if (robust) {
        double mean = 1;
        if (projective) {
            double p = 1, q = 0, r = 1;  // I + J J^T
            for (int k = 0; k < 2; ++k) {
                const double ju = (m[k] - u * m[6 + k]) / w, jv = (m[3 + k] - v * m[6 + k]) / w;
                p += squared_unit * ju * ju, q += squared_unit * ju * jv, r += squared_unit * jv * jv;
            }
            const double factor = 2 / (p * r - q * q), bu = factor * (r * du - q * dv),
                         bv = factor * (p * dv - q * du);
            squared = du * bu + dv * bv, mean = factor * (p + r) / 2;
            du = bu / mean, dv = bv / mean;
        }
        weight = 1 / (kernels::student_freedom + squared / squared_scale);
        sums.weight += weight, sums.weighted_error += weight * squared;
        weight *= mean;
    }
    const double a = x / w, b = y / w, c = 1 / w, e = u * du + v * dv, s = u * u + v * v;
    const double terms[] = {a * a,     a * b,     a * c,     b * b,     b * c,     c * c,     a * du,
                            b * du,    c * du,    a * dv,    b * dv,    c * dv,    u * a * a, u * a * b,
                            u * a * c, u * b * b, u * b * c, v * a * a, v * a * b, v * a * c, v * b * b,
                            v * b * c, s * a * a, s * a * b, s * b * b, a * e,     b * e};
    for (std::size_t k = 0; k < (projective ? kernels::num_normal_sums : 12); ++k)
        sums.values[k] += weight * terms[k];
    ++sums.num_used;
}

template <class T>
void test_normal_sums(std::size_t n, bool projective) {
    constexpr bool robust = sizeof(T) == 8;
    const T nowhere = std::numeric_limits<T>::quiet_NaN();
    Matches<T> m(n);
    for (std::size_t i = n; i < n + 16; ++i) m.columns[2][i] = m.columns[3][i] = nowhere;
    const double exact[9] = {0.9, -0.2, 0.1, 0.3, 1.1, -0.1, projective ? 0.4 : 0, projective ? -0.3 : 0, 1};
    T model[9];
    for (int e = 0; e < 9; ++e) model[e] = static_cast<T>(exact[e]);
    kernels::NormalSums expected{};
    for (std::size_t i = 0; i < n; ++i)
        add_sums(exact, m.columns[0][i], m.columns[1][i], m.columns[2][i], m.columns[3][i], projective,
                 robust, expected);
    std::vector<double> first;
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        kernels::NormalSums sums;
        if constexpr (robust)
            kernels::active().robust_sums(model, m.pairs(8), squared_bound, squared_scale,
                                          std::sqrt(squared_unit), projective, sums);
        else
            kernels::active().normal_sums(model, m.pairs(16), squared_bound, projective, sums);
        check(sums.num_used == expected.num_used, "pairs that take part");
        std::vector<double> values(sums.values, sums.values + kernels::num_normal_sums);
        values.insert(values.end(), {sums.weight, sums.weighted_error});
        for (std::size_t k = 0; k < kernels::num_normal_sums; ++k)
            check(close(values[k], expected.values[k], robust ? 1e-10 : 3e-3), "a sum");
        check(close(sums.weight, expected.weight, 1e-10) &&
                  close(sums.weighted_error, expected.weighted_error, 1e-10),
              "weights and weighted errors");
        if (first.empty()) first = values;
        same_at_every_level(first, values);
    }
}

void test_squared_errors(std::size_t n, bool projective) {
    const Matches<double> m(n);
    const double g = projective ? 0.7 : 0, model[9] = {0.9, -0.2, 0.1, 0.3, 1.1, -0.1, g, -g, 1};
    std::vector<double> first;
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        std::vector<double> errors(n);
        kernels::active().squared_errors(model, m.pairs(), errors.data());
        for (std::size_t i = 0; i < n; ++i) {
            const double x = m.columns[0][i], y = m.columns[1][i], w = g * x - g * y + 1;
            const double du = (0.9 * x - 0.2 * y + 0.1) / w - m.columns[2][i];
            const double dv = (0.3 * x + 1.1 * y - 0.1) / w - m.columns[3][i];
            check(w > 0 ? close(errors[i], du * du + dv * dv, 1e-9) : std::isinf(errors[i]), "squared error");
        }
        if (first.empty()) first = errors;
        same_at_every_level(first, errors);
    }
}

void test_frame_support(std::size_t n) {
    const Matches<float> m(n);
    std::vector<float> a(n + 16), b(n + 16), first;
    for (std::size_t i = 0; i < n; ++i) a[i] = uniform(-2, 2), b[i] = uniform(-2, 2);
    const float bound = 0.3f, slope = 0.02f;
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        std::vector<float> support(n + 16);
        const auto pairs = m.pairs();
        kernels::active().frame_support({pairs.x0, pairs.y0, pairs.x1, pairs.y1, a.data(), b.data()}, n,
                                        pairs, bound, slope, support.data());
        support.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            double expected = 0;
            for (std::size_t j = 0; j < n; ++j) {
                const double dx = m.columns[0][j] - m.columns[0][i], dy = m.columns[1][j] - m.columns[1][i];
                const double u = a[i] * dx - b[i] * dy, v = b[i] * dx + a[i] * dy;
                const double error = std::hypot(u - (m.columns[2][j] - m.columns[2][i]),
                                                v - (m.columns[3][j] - m.columns[3][i]));
                expected += std::max(0.0, 1 - error * error / (bound + slope * (u * u + v * v)));
            }
            check(close(support[i], expected, 1e-4), "support");
        }
        if (first.empty()) first = support;
        same_at_every_level(first, support);
    }
}

}  // namespace

int main() {
    for (std::size_t n = 1; n <= 70; ++n)
        for (const bool flag : {false, true}) {
            test_nearest_pairs(n, flag);
            if (flag) test_frame_support(n);
            test_normal_sums<float>(n, flag);
            test_normal_sums<double>(n, flag);
            test_squared_errors(n, flag);
        }
    for (const std::size_t n : {255, 300, 512})
        for (const bool flag : {false, true}) test_nearest_pairs(n, flag);
    for (std::size_t n = 1; n <= 70; ++n) test_support(n);
    test_proposals();
    std::puts("ok");
}
