#include "geometry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hcbir {
namespace {

/// Twice the area of a triangle over the square of its longest side, below which its corners count as one
/// line.
constexpr double min_flatness = 0.01;

/// Solves a x = b in place by Gaussian elimination with partial pivoting; false if a is singular.
template <std::size_t n>
bool solve(std::array<std::array<double, n + 1>, n>& system, std::array<double, n>& solution) {
    for (std::size_t column = 0; column < n; ++column) {
        std::size_t pivot = column;
        for (std::size_t r = column + 1; r < n; ++r)
            if (std::abs(system[r][column]) > std::abs(system[pivot][column])) pivot = r;
        if (!(std::abs(system[pivot][column]) > 1e-12)) return false;
        std::swap(system[pivot], system[column]);
        for (std::size_t r = column + 1; r < n; ++r) {
            const double factor = system[r][column] / system[column][column];
            for (std::size_t c = column; c <= n; ++c) system[r][c] -= factor * system[column][c];
        }
    }
    for (std::size_t r = n; r-- > 0;) {
        double value = system[r][n];
        for (std::size_t c = r + 1; c < n; ++c) value -= system[r][c] * solution[c];
        solution[r] = value / system[r][r];
    }
    return true;
}

/// Sign of a triangle's orientation, 0 if it is flat.
int orientation(double ax, double ay, double bx, double by, double cx, double cy) {
    const double area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    auto squared = [](double x, double y) { return x * x + y * y; };
    const double longest =
        std::max({squared(bx - ax, by - ay), squared(cx - ax, cy - ay), squared(cx - bx, cy - by)});
    if (!(std::abs(area) > min_flatness * longest)) return 0;
    return area > 0 ? 1 : -1;
}

/// Whether three matches form triangles of the same orientation in both images.
bool keeps_orientation(const PointMatches& m, std::size_t a, std::size_t b, std::size_t c) {
    const int in0 = orientation(m.x0[a], m.y0[a], m.x0[b], m.y0[b], m.x0[c], m.y0[c]);
    return in0 != 0 && in0 == orientation(m.x1[a], m.y1[a], m.x1[b], m.y1[b], m.x1[c], m.y1[c]);
}

struct Centroid {
    double weight = 0, x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

Centroid centroid_of(const PointMatches& m, std::span<const double> weights) {
    Centroid mean;
    for (std::size_t i = 0; i < m.size(); ++i) {
        mean.weight += weights[i];
        mean.x0 += weights[i] * m.x0[i], mean.y0 += weights[i] * m.y0[i];
        mean.x1 += weights[i] * m.x1[i], mean.y1 += weights[i] * m.y1[i];
    }
    for (double* sum : {&mean.x0, &mean.y0, &mean.x1, &mean.y1}) *sum /= mean.weight;
    return mean;
}

/// The affine map with this linear part that sends centroid to centroid.
Matrix3 through(const Centroid& mean, double a, double b, double c, double d) {
    return {a, b, mean.x1 - a * mean.x0 - b * mean.y0, c, d, mean.y1 - c * mean.x0 - d * mean.y0, 0, 0, 1};
}

std::optional<Matrix3> fit_similarity(const PointMatches& m, std::span<const double> weights) {
    const Centroid mean = centroid_of(m, weights);
    double spread = 0, real = 0,
           imaginary = 0;  // of sum (z1 - mean) conj(z0 - mean), points as complex numbers
    for (std::size_t i = 0; i < m.size(); ++i) {
        const double x0 = m.x0[i] - mean.x0, y0 = m.y0[i] - mean.y0, x1 = m.x1[i] - mean.x1,
                     y1 = m.y1[i] - mean.y1;
        spread += weights[i] * (x0 * x0 + y0 * y0);
        real += weights[i] * (x1 * x0 + y1 * y0);
        imaginary += weights[i] * (y1 * x0 - x1 * y0);
    }
    if (!(spread > 1e-12 * mean.weight)) return std::nullopt;
    return through(mean, real / spread, -imaginary / spread, imaginary / spread, real / spread);
}

std::optional<Matrix3> fit_affine(const PointMatches& m, std::span<const double> weights) {
    const Centroid mean = centroid_of(m, weights);
    double xx = 0, xy = 0, yy = 0, ux = 0, uy = 0, vx = 0, vy = 0;
    for (std::size_t i = 0; i < m.size(); ++i) {
        const double x = m.x0[i] - mean.x0, y = m.y0[i] - mean.y0, u = m.x1[i] - mean.x1,
                     v = m.y1[i] - mean.y1;
        const double w = weights[i];
        xx += w * x * x, xy += w * x * y, yy += w * y * y;
        ux += w * u * x, uy += w * u * y, vx += w * v * x, vy += w * v * y;
    }
    const double determinant = xx * yy - xy * xy;
    if (!(determinant > 1e-12 * (xx + yy) * (xx + yy))) return std::nullopt;
    return through(mean, (ux * yy - uy * xy) / determinant, (uy * xx - ux * xy) / determinant,
                   (vx * yy - vy * xy) / determinant, (vy * xx - vx * xy) / determinant);
}

/// The homography with last element 1 that sends four points to four points.
std::optional<Matrix3> fit_four(const PointMatches& m, std::span<const std::size_t> sample) {
    std::array<std::array<double, 9>, 8> system{};
    for (std::size_t i = 0; i < 4; ++i) {
        const double x = m.x0[sample[i]], y = m.y0[sample[i]], u = m.x1[sample[i]], v = m.y1[sample[i]];
        system[2 * i] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u};
        system[2 * i + 1] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
    }
    std::array<double, 8> h;
    if (!solve(system, h)) return std::nullopt;
    for (std::size_t i : sample)
        if (!(h[6] * m.x0[i] + h[7] * m.y0[i] + 1 > 0)) return std::nullopt;
    return Matrix3{h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], 1};
}

/// One Gauss-Newton step on the transfer error, over the eight elements other than the last, which is 1.
std::optional<Matrix3> step_homography(const PointMatches& m, std::span<const double> weights,
                                       const Matrix3& start) {
    std::array<std::array<double, 9>, 8> normal{};
    for (std::size_t i = 0; i < m.size(); ++i) {
        if (weights[i] == 0) continue;
        const double x = m.x0[i], y = m.y0[i], w = start[6] * x + start[7] * y + start[8];
        const double u = (start[0] * x + start[1] * y + start[2]) / w;
        const double v = (start[3] * x + start[4] * y + start[5]) / w;
        const double a = x / w, b = y / w, c = 1 / w;
        const std::array<double, 9> rows[2] = {{a, b, c, 0, 0, 0, -u * a, -u * b, m.x1[i] - u},
                                               {0, 0, 0, a, b, c, -v * a, -v * b, m.y1[i] - v}};
        for (const auto& row : rows)
            for (std::size_t r = 0; r < 8; ++r)
                for (std::size_t k = r; k < 9; ++k) normal[r][k] += weights[i] * row[r] * row[k];
    }
    for (std::size_t r = 0; r < 8; ++r)
        for (std::size_t k = 0; k < r; ++k) normal[r][k] = normal[k][r];
    std::array<double, 8> step;
    if (!solve(normal, step)) return std::nullopt;
    Matrix3 model = start;
    for (std::size_t k = 0; k < 8; ++k) model[k] += step[k];
    return model;
}

}  // namespace

Normalization normalization_of(std::span<const double> x, std::span<const double> y) {
    Normalization n;
    const auto count = static_cast<double>(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) n.x += x[i] / count, n.y += y[i] / count;
    double spread = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        spread += ((x[i] - n.x) * (x[i] - n.x) + (y[i] - n.y) * (y[i] - n.y)) / count;
    if (spread > 0) n.scale = std::sqrt(2 / spread);
    return n;
}

Matrix3 denormalize(const Matrix3& model, const Normalization& from, const Normalization& to) {
    // to^-1 * model * from, scaled to a last element of 1 where that is possible.
    Matrix3 right, result;
    for (std::size_t r = 0; r < 3; ++r) {
        const double* row = model.data() + 3 * r;
        right[3 * r] = row[0] * from.scale;
        right[3 * r + 1] = row[1] * from.scale;
        right[3 * r + 2] = row[2] - from.scale * (row[0] * from.x + row[1] * from.y);
    }
    for (std::size_t c = 0; c < 3; ++c) {
        result[c] = right[c] / to.scale + to.x * right[6 + c];
        result[3 + c] = right[3 + c] / to.scale + to.y * right[6 + c];
        result[6 + c] = right[6 + c];
    }
    if (result[8] > 0)  // w keeps its sign
        for (double& element : result) element /= right[8];
    return result;
}

std::size_t sample_size(GeometricModel type) {
    return type == GeometricModel::similarity ? 2 : type == GeometricModel::affine ? 3 : 4;
}

std::optional<Matrix3> fit_sample(GeometricModel type, const PointMatches& m,
                                  std::span<const std::size_t> s) {
    switch (type) {
        case GeometricModel::similarity: {
            const double x = m.x0[s[1]] - m.x0[s[0]], y = m.y0[s[1]] - m.y0[s[0]];
            const double u = m.x1[s[1]] - m.x1[s[0]], v = m.y1[s[1]] - m.y1[s[0]];
            const double squared = x * x + y * y;
            if (!(squared > 1e-12)) return std::nullopt;
            const double a = (u * x + v * y) / squared, b = (v * x - u * y) / squared;
            return through({1, m.x0[s[0]], m.y0[s[0]], m.x1[s[0]], m.y1[s[0]]}, a, -b, b, a);
        }
        case GeometricModel::affine: {
            if (!keeps_orientation(m, s[0], s[1], s[2])) return std::nullopt;
            const double ax = m.x0[s[1]] - m.x0[s[0]], ay = m.y0[s[1]] - m.y0[s[0]];
            const double bx = m.x0[s[2]] - m.x0[s[0]], by = m.y0[s[2]] - m.y0[s[0]];
            const double au = m.x1[s[1]] - m.x1[s[0]], av = m.y1[s[1]] - m.y1[s[0]];
            const double bu = m.x1[s[2]] - m.x1[s[0]], bv = m.y1[s[2]] - m.y1[s[0]];
            const double determinant = ax * by - ay * bx;
            return through({1, m.x0[s[0]], m.y0[s[0]], m.x1[s[0]], m.y1[s[0]]},
                           (au * by - bu * ay) / determinant, (bu * ax - au * bx) / determinant,
                           (av * by - bv * ay) / determinant, (bv * ax - av * bx) / determinant);
        }
        case GeometricModel::homography:
            if (!keeps_orientation(m, s[0], s[1], s[2]) || !keeps_orientation(m, s[0], s[1], s[3]) ||
                !keeps_orientation(m, s[0], s[2], s[3]) || !keeps_orientation(m, s[1], s[2], s[3]))
                return std::nullopt;
            return fit_four(m, s);
    }
    return std::nullopt;
}

std::optional<Matrix3> fit_weighted(GeometricModel type, const PointMatches& matches,
                                    std::span<const double> weights, const Matrix3& start) {
    switch (type) {
        case GeometricModel::similarity:
            return fit_similarity(matches, weights);
        case GeometricModel::affine:
            return fit_affine(matches, weights);
        case GeometricModel::homography:
            return step_homography(matches, weights, start);
    }
    return std::nullopt;
}

bool is_plausible(const Matrix3& h, double unit, double max_stretch) {
    if (!(h[8] > 0)) return false;
    const double x = h[2] / h[8], y = h[5] / h[8], factor = unit / h[8];
    const double a = (h[0] - x * h[6]) * factor,
                 b = (h[1] - x * h[7]) * factor;  // the Jacobian at the origin
    const double c = (h[3] - y * h[6]) * factor, d = (h[4] - y * h[7]) * factor;
    // Its singular values are p + q and |p - q|; p < q where it mirrors.
    const double p = std::hypot(a + d, c - b) / 2, q = std::hypot(a - d, c + b) / 2;
    return p + q < max_stretch && p - q > 1 / max_stretch;
}

double squared_error(const Matrix3& m, double x0, double y0, double x1, double y1) {
    const double w = m[6] * x0 + m[7] * y0 + m[8];
    if (!(w > 0)) return std::numeric_limits<double>::infinity();
    const double dx = (m[0] * x0 + m[1] * y0 + m[2]) / w - x1, dy = (m[3] * x0 + m[4] * y0 + m[5]) / w - y1;
    return dx * dx + dy * dy;
}

}  // namespace hcbir
