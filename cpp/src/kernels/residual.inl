// How well a model explains matched points.

struct ResidualSums {
    Vec cost[16 / lanes] = {};
    VecMask inliers[16 / lanes] = {};

    float total_cost() const { return sum_parts(cost, 1); }
    std::size_t num_inliers() const {
        std::int32_t total = 0;
        for (std::size_t l = 0; l < 16; ++l) total += inliers[l / lanes][l % lanes];
        return static_cast<std::size_t>(total);
    }
};

/// 16 pairs with their bounds.
template <bool projective>
inline void add_residuals(ResidualSums& sums, const float* m, const float* x0, const float* y0,
                          const float* x1, const float* y1, const float* bounds, std::size_t bound_stride) {
    for (std::size_t part = 0; part < 16 / lanes; ++part) {
        const std::size_t l = part * lanes;
        const Vec x = load<Vec>(x0 + l), y = load<Vec>(y0 + l), bound = load<Vec>(bounds + l * bound_stride);
        Vec u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5];
        const Vec w = m[6] * x + m[7] * y + m[8];
        if constexpr (projective) {
            const Vec inverse = 1.0f / w;
            u *= inverse, v *= inverse;
        }
        const Vec du = u - load<Vec>(x1 + l), dv = v - load<Vec>(y1 + l), squared = du * du + dv * dv;
        VecMask inlier = squared < bound;
        if constexpr (projective) inlier &= w > 0.0f;
        sums.cost[part] += inlier ? squared : bound;
        sums.inliers[part] -= inlier;
    }
}

template <bool projective>
Residuals residuals_of(const Model& model, const PairsF32& pairs, float max_squared_error, float max_cost) {
    constexpr std::size_t between_looks = 64;  // at the cost so far
    ResidualSums sums;
    float bounds[16];
    for (float& bound : bounds) bound = max_squared_error;
    std::size_t j = 0;
    for (; j + 16 <= pairs.count; j += 16) {
        // Rounded sums of what is not negative never fall, so the bail-out is exact.
        if (j % between_looks == 0 && !(sums.total_cost() < max_cost)) return {0, max_cost};
        add_residuals<projective>(sums, model, pairs.x0 + j, pairs.y0 + j, pairs.x1 + j, pairs.y1 + j, bounds,
                                  0);
    }
    const std::size_t left = pairs.count - j;
    if (left) {  // filled up with pairs without a bound to pass or to pay
        float x0[16] = {}, y0[16] = {}, x1[16] = {}, y1[16] = {};
        for (std::size_t l = 0; l < left; ++l) {
            x0[l] = pairs.x0[j + l], y0[l] = pairs.y0[j + l];
            x1[l] = pairs.x1[j + l], y1[l] = pairs.y1[j + l];
        }
        for (std::size_t l = left; l < 16; ++l) bounds[l] = 0;
        add_residuals<projective>(sums, model, x0, y0, x1, y1, bounds, 1);
    }
    const float cost = sums.total_cost();
    if (!(cost < max_cost)) return {0, max_cost};
    return {sums.num_inliers(), cost};
}

Residuals residuals(const Model& model, const PairsF32& pairs, float max_squared_error, float max_cost) {
    if (model[6] == 0 && model[7] == 0 && model[8] == 1)
        return residuals_of<false>(model, pairs, max_squared_error, max_cost);
    return residuals_of<true>(model, pairs, max_squared_error, max_cost);
}

void squared_errors(const double* m, const PairsF64& pairs, double* errors) {
    const auto squared_error = [&](auto x0, auto y0, auto x1, auto y1) {
        const auto w = m[6] * x0 + m[7] * y0 + m[8];
        const auto u = (m[0] * x0 + m[1] * y0 + m[2]) / w - x1, v = (m[3] * x0 + m[4] * y0 + m[5]) / w - y1;
        return w > 0.0 ? u * u + v * v : __builtin_inf() - decltype(w){};
    };
    std::size_t j = 0;
    for (; j + double_lanes <= pairs.count; j += double_lanes)
        store(errors + j,
              squared_error(load(pairs.x0 + j), load(pairs.y0 + j), load(pairs.x1 + j), load(pairs.y1 + j)));
    for (; j < pairs.count; ++j)
        errors[j] = squared_error(pairs.x0[j], pairs.y0[j], pairs.x1[j], pairs.y1[j]);
}
