// Normal equations of a step that lowers the transfer errors.

inline VecD load_doubles(const double* p) {
    typedef VecD Unaligned __attribute__((aligned(8), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

/// The sums over pairs `first` + l, + 8 + l ...
template <bool projective, bool biweight>
void add_normal_sums(const double* m, const PairsF64& pairs, std::size_t first, double max_squared_error,
                     VecD* sums, VecD& num_used) {
    constexpr std::size_t count = projective ? num_normal_sums : 12;
    VecD s[count] = {}, used{};
    const VecD zero{}, one = 1.0 - zero;
    const double inverse_bound = 1 / max_squared_error;
    for (std::size_t j = first; j < pairs.count; j += 8) {
        const VecD x = load_doubles(pairs.x0 + j), y = load_doubles(pairs.y0 + j);
        const VecD w = m[6] * x + m[7] * y + m[8];
        VecD u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5], c = one;
        if constexpr (projective) c = 1.0 / w, u *= c, v *= c;
        VecD du = load_doubles(pairs.x1 + j) - u, dv = load_doubles(pairs.y1 + j) - v;
        const VecD ratio = (du * du + dv * dv) * inverse_bound;
        auto within = ratio < 1.0;
        if constexpr (projective) within &= w > 0.0;
        VecD weight = one;
        used += within ? one : zero;
        if constexpr (biweight) weight = (1.0 - ratio) * (1.0 - ratio);
        // What takes no part may be infinite.
        weight = within ? weight : zero, du = within ? du : zero, dv = within ? dv : zero;
        if constexpr (projective) c = within ? c : zero, u = within ? u : zero, v = within ? v : zero;
        const VecD a = x * c, b = y * c;
        const VecD wa = weight * a, wb = weight * b, wc = weight * c;
        const VecD aa = wa * a, ab = wa * b, ac = wa * c, bb = wb * b, bc = wb * c;
        s[0] += aa, s[1] += ab, s[2] += ac, s[3] += bb, s[4] += bc, s[5] += wc * c;
        s[6] += wa * du, s[7] += wb * du, s[8] += wc * du;
        s[9] += wa * dv, s[10] += wb * dv, s[11] += wc * dv;
        if constexpr (projective) {
            const VecD square = u * u + v * v, along = u * du + v * dv;
            s[12] += aa * u, s[13] += ab * u, s[14] += ac * u, s[15] += bb * u, s[16] += bc * u;
            s[17] += aa * v, s[18] += ab * v, s[19] += ac * v, s[20] += bb * v, s[21] += bc * v;
            s[22] += aa * square, s[23] += ab * square, s[24] += bb * square;
            s[25] += wa * along, s[26] += wb * along;
        }
    }
    for (std::size_t k = 0; k < count; ++k) sums[k] = s[k];
    num_used = used;
}

template <bool projective, bool biweight>
void sum_normals(const double* model, const PairsF64& pairs, double max_squared_error, NormalSums& sums) {
    constexpr std::size_t num_parts = 8 / double_lanes, width = num_normal_sums + 1;
    VecD parts[num_parts * width] = {};
    for (std::size_t p = 0; p < num_parts; ++p) {
        VecD* sum = parts + p * width;
        add_normal_sums<projective, biweight>(model, pairs, p * double_lanes, max_squared_error, sum,
                                              sum[num_normal_sums]);
    }
    for (std::size_t k = 0; k < num_normal_sums; ++k) sums.values[k] = sum_parts(parts + k, width);
    sums.num_used = static_cast<std::size_t>(sum_parts(parts + num_normal_sums, width));
}

void normal_sums(const double* model, const PairsF64& pairs, double max_squared_error, bool projective,
                 bool biweight, NormalSums& sums) {
    if (projective && biweight)
        sum_normals<true, true>(model, pairs, max_squared_error, sums);
    else if (projective)
        sum_normals<true, false>(model, pairs, max_squared_error, sums);
    else if (biweight)
        sum_normals<false, true>(model, pairs, max_squared_error, sums);
    else
        sum_normals<false, false>(model, pairs, max_squared_error, sums);
}
