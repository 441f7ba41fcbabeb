// Normal equations of a step that lowers the transfer errors.

template <class V, class T>
inline V load_values(const T* p) {
    typedef V Unaligned __attribute__((aligned(alignof(T)), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

/// Weights of robust_sums.
template <class T>
struct StudentWeights {
    T inverse_squared_scale, squared_unit;
};

/// The sums over vectors of pairs, the first at `first` and then one every `stride` pairs; behind them how
/// many took part and, if weighted, the sums of the weights and of the weighted squared errors.
template <class V, bool projective, bool weighted, class T>
inline void add_normal_sums(const T* m, const Pairs<T>& pairs, std::size_t first, std::size_t stride,
                            T max_squared_error, [[maybe_unused]] const StudentWeights<T>& student, V* sums) {
    constexpr std::size_t count = projective ? num_normal_sums : 12;
    constexpr T unit = 1, nothing = 0;
    const V zero{}, one = unit - zero;
    const T inverse_bound = unit / max_squared_error;
    V s[count] = {}, used{}, weights{}, errors{};
    for (std::size_t j = first; j < pairs.count; j += stride) {
        const V x = load_values<V>(pairs.x0 + j), y = load_values<V>(pairs.y0 + j);
        const V w = m[6] * x + m[7] * y + m[8];
        V u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5], c = one;
        if constexpr (projective) c = unit / w, u *= c, v *= c;
        V du = load_values<V>(pairs.x1 + j) - u, dv = load_values<V>(pairs.y1 + j) - v;
        const V squared = du * du + dv * dv, ratio = squared * inverse_bound;
        auto within = ratio < unit;
        if constexpr (projective) within &= w > nothing;
        V weight = one;
        used += within ? one : zero;
        // What takes no part may be infinite.
        du = within ? du : zero, dv = within ? dv : zero;
        if constexpr (projective) c = within ? c : zero, u = within ? u : zero, v = within ? v : zero;
        if constexpr (weighted) {
            V error = du * du + dv * dv, of_pair = one;
            if constexpr (projective) {
                // The inverse of I + J J^T, J being the model's derivative: its mean eigenvalue to the
                // weight, the rest to the errors.
                const V j00 = (m[0] - u * m[6]) * c, j01 = (m[1] - u * m[7]) * c;
                const V j10 = (m[3] - v * m[6]) * c, j11 = (m[4] - v * m[7]) * c;
                const V c00 = unit + student.squared_unit * (j00 * j00 + j01 * j01);
                const V c01 = student.squared_unit * (j00 * j10 + j01 * j11);
                const V c11 = unit + student.squared_unit * (j10 * j10 + j11 * j11);
                const V trace = c00 + c11, twice = (unit + unit) / trace;
                const V to_u = (c11 * du - c01 * dv) * twice, to_v = (c00 * dv - c01 * du) * twice;
                of_pair = trace / (c00 * c11 - c01 * c01);
                error = of_pair * (du * to_u + dv * to_v);
                du = to_u, dv = to_v;
            }
            const V robust = unit / (student_freedom + error * student.inverse_squared_scale);
            weights += within ? robust : zero, errors += robust * error;
            weight = robust * of_pair;
        }
        weight = within ? weight : zero;
        const V a = x * c, b = y * c;
        const V wa = weight * a, wb = weight * b, wc = weight * c;
        const V aa = wa * a, ab = wa * b, ac = wa * c, bb = wb * b, bc = wb * c;
        s[0] += aa, s[1] += ab, s[2] += ac, s[3] += bb, s[4] += bc, s[5] += wc * c;
        s[6] += wa * du, s[7] += wb * du, s[8] += wc * du;
        s[9] += wa * dv, s[10] += wb * dv, s[11] += wc * dv;
        if constexpr (projective) {
            const V square = u * u + v * v, along = u * du + v * dv;
            s[12] += aa * u, s[13] += ab * u, s[14] += ac * u, s[15] += bb * u, s[16] += bc * u;
            s[17] += aa * v, s[18] += ab * v, s[19] += ac * v, s[20] += bb * v, s[21] += bc * v;
            s[22] += aa * square, s[23] += ab * square, s[24] += bb * square;
            s[25] += wa * along, s[26] += wb * along;
        }
    }
    for (std::size_t k = 0; k < count; ++k) sums[k] = s[k];
    sums[num_normal_sums] = used, sums[num_normal_sums + 1] = weights, sums[num_normal_sums + 2] = errors;
}

/// Sums in 16 parts of floats, or 8 of doubles.
template <class V, bool projective, bool weighted, class T>
void sum_normals(const T* model, const Pairs<T>& pairs, T max_squared_error, const StudentWeights<T>& student,
                 NormalSums& sums) {
    constexpr std::size_t group = 64 / sizeof(T), width = sizeof(V) / sizeof(T), stride = num_normal_sums + 3;
    V parts[group / width * stride] = {};
    for (std::size_t p = 0; p < group / width; ++p)
        add_normal_sums<V, projective, weighted>(model, pairs, p * width, group, max_squared_error, student,
                                                 parts + p * stride);
    for (std::size_t k = 0; k < num_normal_sums; ++k) sums.values[k] = sum_parts(parts + k, stride);
    sums.num_used = static_cast<std::size_t>(sum_parts(parts + num_normal_sums, stride));
    sums.weight = sum_parts(parts + num_normal_sums + 1, stride);
    sums.weighted_error = sum_parts(parts + num_normal_sums + 2, stride);
}

void normal_sums(const float* model, const PairsF32& pairs, float max_squared_error, bool projective,
                 NormalSums& sums) {
    if (projective)
        sum_normals<Vec, true, false, float>(model, pairs, max_squared_error, {}, sums);
    else
        sum_normals<Vec, false, false, float>(model, pairs, max_squared_error, {}, sums);
}

void robust_sums(const double* model, const PairsF64& pairs, double max_squared_error, double squared_scale,
                 double unit, bool projective, NormalSums& sums) {
    const StudentWeights<double> student{1 / squared_scale, unit * unit};
    if (projective)
        sum_normals<VecD, true, true, double>(model, pairs, max_squared_error, student, sums);
    else
        sum_normals<VecD, false, true, double>(model, pairs, max_squared_error, student, sums);
}
