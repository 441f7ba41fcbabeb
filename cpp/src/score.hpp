// The score of two vectors that is reported.
#pragma once

#include <cmath>
#include <cstddef>

#include "hcbir/search.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

/// In double, rounded to float; the cosine with a vector of zeros is 0.
inline float exact_score(const kernels::Table& kernels, Metric metric, const float* a, const float* b,
                         std::size_t dim) {
    if (metric == Metric::l2) return static_cast<float>(0.0 - kernels.squared_l2_f64(a, b, dim));
    const double dot = kernels.dot_f64(a, b, dim);
    if (metric == Metric::dot) return static_cast<float>(dot);
    const double norms = std::sqrt(kernels.dot_f64(a, a, dim)) * std::sqrt(kernels.dot_f64(b, b, dim));
    return norms > 0 ? static_cast<float>(dot / norms) : 0.0f;
}

}  // namespace hcbir
