#include "geometry.hpp"

#include <cmath>

namespace hcbir {
namespace {

/// Solves a x = b for a symmetric and positive definite, of which the lower triangle is given, by LDL^T; x
/// takes the place of b. False if a is singular to working precision.
template <std::size_t n>
bool solve(std::array<std::array<double, n>, n>& a, std::array<double, n>& b) {
    for (std::size_t j = 0; j < n; ++j) {
        const double whole = a[j][j];
        std::array<double, n> scaled;  // row j of L times D
        for (std::size_t k = 0; k < j; ++k) scaled[k] = a[j][k] * a[k][k];
        for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * scaled[k];
        if (!(a[j][j] > 1e-12 * whole)) return false;
        const double inverse = 1 / a[j][j];
        for (std::size_t i = j + 1; i < n; ++i) {
            for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * scaled[k];
            a[i][j] *= inverse;
        }
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    for (std::size_t i = 0; i < n; ++i) b[i] /= a[i][i];
    for (std::size_t i = n; i-- > 0;)
        for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    return true;
}

/// Of value(0) to value(count - 1), in four sums that do not wait for each other.
template <class Value>
double mean_of(std::size_t count, Value value) {
    double sums[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (std::size_t k = 0; k < 4; ++k) sums[k] += value(i + k);
    for (; i < count; ++i) sums[0] += value(i);
    return ((sums[0] + sums[2]) + (sums[1] + sums[3])) / static_cast<double>(count);
}

enum Sum {
    aa,
    ab,
    ac,
    bb,
    bc,
    cc,
    adu,
    bdu,
    cdu,
    adv,
    bdv,
    cdv,
    u_times,
    v_times = 17,
    square = 22,
    ae = 25,
    be
};

/// Unknowns p, q, tx, ty of x -> (p x - q y + tx, q x + p y + ty).
std::optional<Matrix3> step_similarity(const double* s, const Matrix3& m) {
    const double round = s[aa] + s[bb];
    std::array<std::array<double, 4>, 4> normal{
        {{round}, {0, round}, {s[ac], -s[bc], s[cc]}, {s[bc], s[ac], 0, s[cc]}}};
    std::array<double, 4> step{s[adu] + s[bdv], s[adv] - s[bdu], s[cdu], s[cdv]};
    if (!solve(normal, step)) return std::nullopt;
    const double p = m[0] + step[0], q = m[3] + step[1];
    return Matrix3{p, -q, m[2] + step[2], q, p, m[5] + step[3], 0, 0, 1};
}

std::optional<Matrix3> step_affine(const double* s, const Matrix3& m) {
    const std::array<std::array<double, 3>, 3> normal{{{s[aa]}, {s[ab], s[bb]}, {s[ac], s[bc], s[cc]}}};
    auto first = normal, second = normal;
    std::array<double, 3> du{s[adu], s[bdu], s[cdu]}, dv{s[adv], s[bdv], s[cdv]};
    if (!solve(first, du) || !solve(second, dv)) return std::nullopt;
    return Matrix3{
        m[0] + du[0], m[1] + du[1], m[2] + du[2], m[3] + dv[0], m[4] + dv[1], m[5] + dv[2], 0, 0, 1};
}

/// The eight elements other than the last: a pair's derivatives are (a, b, c, 0, 0, 0, -u a, -u b) and (0, 0,
/// 0, a, b, c, -v a, -v b).
std::optional<Matrix3> step_homography(const double* s, const Matrix3& m, double prior) {
    const double *u = s + u_times, *v = s + v_times, *w = s + square;
    std::array<std::array<double, 8>, 8> normal{
        {{s[aa]},
         {s[ab], s[bb]},
         {s[ac], s[bc], s[cc]},
         {0, 0, 0, s[aa]},
         {0, 0, 0, s[ab], s[bb]},
         {0, 0, 0, s[ac], s[bc], s[cc]},
         {-u[0], -u[1], -u[2], -v[0], -v[1], -v[2], w[0] + prior},
         {-u[1], -u[3], -u[4], -v[1], -v[3], -v[4], w[1], w[2] + prior}}};
    std::array<double, 8> step{
        s[adu], s[bdu], s[cdu], s[adv], s[bdv], s[cdv], -s[ae] - prior * m[6], -s[be] - prior * m[7]};
    if (!solve(normal, step)) return std::nullopt;
    Matrix3 model = m;
    for (std::size_t k = 0; k < 8; ++k) model[k] += step[k];
    return model;
}

}  // namespace

Normalization normalization_of(std::span<const double> x, std::span<const double> y) {
    Normalization n{mean_of(x.size(), [&](std::size_t i) { return x[i]; }),
                    mean_of(x.size(), [&](std::size_t i) { return y[i]; }), 1};
    const double spread = mean_of(
        x.size(), [&](std::size_t i) { return (x[i] - n.x) * (x[i] - n.x) + (y[i] - n.y) * (y[i] - n.y); });
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

std::optional<Matrix3> moved(const Matrix3& m, double x0, double y0, double x1, double y1) {
    Matrix3 result = m;
    for (std::size_t r = 0; r < 9; r += 3) result[r + 2] -= m[r] * x0 + m[r + 1] * y0;
    for (std::size_t c = 0; c < 3; ++c) result[c] += x1 * result[6 + c], result[3 + c] += y1 * result[6 + c];
    const double last = result[8];
    if (!(last > 0)) return std::nullopt;
    for (double& element : result) element /= last;
    return result;
}

std::size_t sample_size(GeometricModel type) {
    return type == GeometricModel::similarity ? 2 : type == GeometricModel::affine ? 3 : 4;
}

std::optional<Matrix3> gauss_newton_step(GeometricModel type, const kernels::NormalSums& sums,
                                         const Matrix3& start, double prior) {
    switch (type) {
        case GeometricModel::similarity:
            return step_similarity(sums.values, start);
        case GeometricModel::affine:
            return step_affine(sums.values, start);
        case GeometricModel::homography:
            return step_homography(sums.values, start, prior);
    }
    return std::nullopt;
}

bool is_plausible(const Matrix3& h, double unit) {
    if (!(h[8] > 0)) return false;
    const double x = h[2] / h[8], y = h[5] / h[8], factor = unit / h[8];
    const double a = (h[0] - x * h[6]) * factor,
                 b = (h[1] - x * h[7]) * factor;  // the Jacobian at the origin
    const double c = (h[3] - y * h[6]) * factor, d = (h[4] - y * h[7]) * factor;
    // Its singular values are p + q and |p - q|; p < q where it mirrors.
    const double p = std::sqrt((a + d) * (a + d) + (c - b) * (c - b)) / 2;
    const double q = std::sqrt((a - d) * (a - d) + (c + b) * (c + b)) / 2;
    return p + q < max_stretch && p - q > 1 / max_stretch;
}

}  // namespace hcbir
