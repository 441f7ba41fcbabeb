#include "most_likely_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

/// It is found when a step is below this share of the errors' scale, which is at least so much of max_error.
constexpr double precision = 0.01, least_step = 1e-10, settled_scale = 0.9, least_scale = 0.01;
constexpr int max_rounds = 15;

}  // namespace

std::optional<Matrix3> most_likely_model(GeometricModel type, const Matrix3& start,
                                         const Columns<double>& matches, double reach, double max_error,
                                         double unit) {
    const kernels::Table& kernels = kernels::active();
    const double least = least_scale * max_error * least_scale * max_error;
    const auto freedom = static_cast<double>(sample_size(type));  // in matches
    Matrix3 model = start;
    double squared_scale = std::numeric_limits<double>::infinity();  // all weigh the same at first
    for (int round = 0; round < max_rounds; ++round) {
        kernels::NormalSums sums;
        kernels.robust_sums(model.data(), matches.pairs(8), reach * reach, squared_scale, unit,
                            type == GeometricModel::homography, sums);
        if (sums.num_used < sample_size(type)) return std::nullopt;
        const auto fitted = gauss_newton_step(type, sums, model, 0);
        if (!fitted || !is_plausible(*fitted, unit)) return std::nullopt;
        double change = 0;
        for (std::size_t e = 0; e < model.size(); ++e)
            change = std::max(change, std::abs((*fitted)[e] - model[e]));
        model = *fitted;
        const double spare = static_cast<double>(sums.num_used) - freedom, before = squared_scale;
        if (!(spare > 0)) continue;  // a sample, through which the model goes now
        const double squared = (1 + freedom / spare) * sums.weighted_error / (2 * sums.weight);
        squared_scale = std::max(squared, least);
        if (squared_scale > settled_scale * before &&
            change < std::max(precision * std::sqrt(squared), least_step))
            break;
    }
    return model;
}

}  // namespace hcbir
