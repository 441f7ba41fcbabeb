#include "frame_hypotheses.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

constexpr std::size_t num_sectors = 16, padding = 16;
/// What features' scales and angles are off by, as a share of the distance.
constexpr float slope = 0.1f;
/// Itself and what must bear it out that an optimisation may start.
constexpr float least_support = 2.5f;

/// A whole turn is 1; in [-1/2, 1/2).
float turned(double radians) {
    const double turns = radians / (2 * std::numbers::pi);
    return static_cast<float>(turns - std::floor(turns + 0.5));
}

/// Sine of that, to 0.0011: a parabola and its square. Features' angles are not known so well.
float rough_sine(float turn) {
    const float parabola = 8 * turn - 16 * turn * std::abs(turn);
    return parabola + 0.225f * (parabola * std::abs(parabola) - parabola);
}

float rough_cosine(float turn) { return rough_sine(turn < 0.25f ? turn + 0.25f : turn - 0.75f); }

/// Matches sorted by how far their features turn: sector after sector, the last one before the first again,
/// and the first behind the last.
struct Sorted {
    std::vector<std::uint32_t> match;
    std::vector<std::size_t> begin;  // of each sector, the one before the first being 0
    std::vector<float> columns[6];   // x0 y0 x1 y1 and the similarity's a, b; 16 more behind

    Sorted(const PointMatches& m, const MatchTurns& turns) {
        std::vector<float> turn(m.size());
        std::vector<std::uint8_t> sector(m.size());
        std::size_t counts[num_sectors + 2] = {};
        for (std::size_t i = 0; i < m.size(); ++i) {
            turn[i] = turned(turns.angle[i]);
            const auto s = static_cast<std::size_t>((turn[i] + 0.5f) * num_sectors);
            sector[i] = static_cast<std::uint8_t>(1 + std::min(s, num_sectors - 1));
            ++counts[sector[i]];
        }
        counts[0] = counts[num_sectors], counts[num_sectors + 1] = counts[1];
        begin.assign(num_sectors + 3, 0);
        for (std::size_t s = 0; s < num_sectors + 2; ++s) begin[s + 1] = begin[s] + counts[s];
        match.resize(begin.back());
        std::vector<std::size_t> end(begin.begin(), begin.end() - 1);
        for (std::size_t i = 0; i < m.size(); ++i) {
            match[end[sector[i]]++] = static_cast<std::uint32_t>(i);
            if (sector[i] == 1) match[end[num_sectors + 1]++] = static_cast<std::uint32_t>(i);
            if (sector[i] == num_sectors) match[end[0]++] = static_cast<std::uint32_t>(i);
        }
        for (auto& column : columns) column.resize(match.size() + padding);
        const auto from = m.columns();
        for (std::size_t p = 0; p < match.size(); ++p) {
            const std::size_t i = match[p];
            const auto scale = static_cast<float>(turns.scale[i]);
            for (std::size_t c = 0; c < 4; ++c) columns[c][p] = static_cast<float>((*from[c])[i]);
            columns[4][p] = scale * rough_cosine(turn[i]), columns[5][p] = scale * rough_sine(turn[i]);
        }
    }
};

}  // namespace

std::vector<std::uint32_t> best_frames(const PointMatches& matches, const MatchTurns& turns, double max_error,
                                       std::size_t most) {
    const kernels::Table& kernels = kernels::active();
    const Sorted sorted(matches, turns);
    const auto& [x0, y0, x1, y1, a, b] = sorted.columns;
    std::vector<float> support(matches.size()), of_sector(matches.size() + padding);
    for (std::size_t s = 1; s <= num_sectors; ++s) {
        const std::size_t first = sorted.begin[s], count = sorted.begin[s + 1] - first;
        const std::size_t from = sorted.begin[s - 1], to = sorted.begin[s + 2];
        kernels.frame_support(
            {x0.data() + first, y0.data() + first, x1.data() + first, y1.data() + first, a.data() + first,
             b.data() + first},
            count, {x0.data() + from, y0.data() + from, x1.data() + from, y1.data() + from, to - from},
            static_cast<float>(max_error * max_error), slope * slope, of_sector.data());
        for (std::size_t i = 0; i < count; ++i) support[sorted.match[first + i]] = of_sector[i];
    }
    std::vector<std::uint32_t> order;
    for (std::size_t i = 0; i < matches.size(); ++i)
        if (support[i] >= least_support) order.push_back(static_cast<std::uint32_t>(i));
    most = std::min(most, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
                      [&](std::uint32_t i, std::uint32_t j) {
                          return support[i] != support[j] ? support[i] > support[j] : i < j;
                      });
    order.resize(most);
    return order;
}

Matrix3 similarity_of_frame(const PointMatches& m, const MatchTurns& turns, std::size_t i) {
    const double a = turns.scale[i] * std::cos(turns.angle[i]), b = turns.scale[i] * std::sin(turns.angle[i]);
    return {a, -b, m.x1[i] - a * m.x0[i] + b * m.y0[i], b, a, m.y1[i] - b * m.x0[i] - a * m.y0[i], 0, 0, 1};
}

}  // namespace hcbir
