// How well a model explains matched points.

typedef std::int32_t Int16 __attribute__((vector_size(64)));

struct ResidualSums {
    Vec16 cost{};
    Int16 inliers{};
};

inline void add_residuals(ResidualSums& sums, const float* m, Vec16 x0, Vec16 y0, Vec16 x1, Vec16 y1,
                          Vec16 bound) {
    const Vec16 w = m[6] * x0 + m[7] * y0 + m[8];
    const Vec16 inverse = 1.0f / w;
    const Vec16 dx = (m[0] * x0 + m[1] * y0 + m[2]) * inverse - x1;
    const Vec16 dy = (m[3] * x0 + m[4] * y0 + m[5]) * inverse - y1;
    const Vec16 squared = dx * dx + dy * dy;
    const Int16 inlier = (w > 0.0f) & (squared < bound);
    sums.cost += inlier ? squared : bound;
    sums.inliers -= inlier;
}

Residuals residuals(const Model& model, const PointPairs& pairs, float max_squared_error) {
    ResidualSums sums;
    const Vec16 bound = max_squared_error - Vec16{};
    std::size_t j = 0;
    for (; j + 16 <= pairs.count; j += 16)
        add_residuals(sums, model, load<Vec16>(pairs.x0 + j), load<Vec16>(pairs.y0 + j),
                      load<Vec16>(pairs.x1 + j), load<Vec16>(pairs.y1 + j), bound);
    const std::size_t left = pairs.count - j;
    if (left) {  // filled up with pairs without a bound to pass or to pay
        float x0[16] = {}, y0[16] = {}, x1[16] = {}, y1[16] = {}, bounds[16] = {};
        for (std::size_t l = 0; l < left; ++l) {
            x0[l] = pairs.x0[j + l], y0[l] = pairs.y0[j + l];
            x1[l] = pairs.x1[j + l], y1[l] = pairs.y1[j + l];
            bounds[l] = max_squared_error;
        }
        add_residuals(sums, model, load<Vec16>(x0), load<Vec16>(y0), load<Vec16>(x1), load<Vec16>(y1),
                      load<Vec16>(bounds));
    }
    std::size_t num_inliers = 0;
    for (int l = 0; l < 16; ++l) num_inliers += static_cast<std::size_t>(sums.inliers[l]);
    return {num_inliers, sum(sums.cost)};
}
