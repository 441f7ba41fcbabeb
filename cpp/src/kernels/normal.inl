// Normal equations of a step that lowers the transfer errors.

template <class V, class T>
inline V load_values(const T* p) {
    typedef V Unaligned __attribute__((aligned(alignof(T)), may_alias));
    return *reinterpret_cast<const Unaligned*>(p);
}

/// The sums over vectors of pairs, the first at `first` and then one every `stride` pairs.
template <class V, bool projective, bool biweight, class T>
inline void add_normal_sums(const T* m, const Pairs<T>& pairs, std::size_t first, std::size_t stride,
                            T max_squared_error, V* sums) {
    constexpr std::size_t count = projective ? num_normal_sums : 12;
    constexpr T unit = 1, nothing = 0;
    const V zero{}, one = unit - zero;
    const T inverse_bound = unit / max_squared_error;
    V s[count] = {}, used{};
    for (std::size_t j = first; j < pairs.count; j += stride) {
        const V x = load_values<V>(pairs.x0 + j), y = load_values<V>(pairs.y0 + j);
        const V w = m[6] * x + m[7] * y + m[8];
        V u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5], c = one;
        if constexpr (projective) c = unit / w, u *= c, v *= c;
        V du = load_values<V>(pairs.x1 + j) - u, dv = load_values<V>(pairs.y1 + j) - v;
        const V ratio = (du * du + dv * dv) * inverse_bound;
        auto within = ratio < unit;
        if constexpr (projective) within &= w > nothing;
        V weight = one;
        used += within ? one : zero;
        if constexpr (biweight) weight = (unit - ratio) * (unit - ratio);
        // What takes no part may be infinite.
        weight = within ? weight : zero, du = within ? du : zero, dv = within ? dv : zero;
        if constexpr (projective) c = within ? c : zero, u = within ? u : zero, v = within ? v : zero;
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
    sums[num_normal_sums] = used;
}

/// Sums in 16 parts of floats, or 8 of doubles.
template <class V, bool projective, bool biweight, class T>
void sum_normals(const T* model, const Pairs<T>& pairs, T max_squared_error, NormalSums& sums) {
    constexpr std::size_t group = 64 / sizeof(T), width = sizeof(V) / sizeof(T), stride = num_normal_sums + 1;
    V parts[group / width * stride] = {};
    for (std::size_t p = 0; p < group / width; ++p)
        add_normal_sums<V, projective, biweight>(model, pairs, p * width, group, max_squared_error,
                                                 parts + p * stride);
    for (std::size_t k = 0; k < num_normal_sums; ++k) sums.values[k] = sum_parts(parts + k, stride);
    sums.num_used = static_cast<std::size_t>(sum_parts(parts + num_normal_sums, stride));
}

void normal_sums(const float* model, const PairsF32& pairs, float max_squared_error, bool projective,
                 NormalSums& sums) {
    if (projective)
        sum_normals<Vec, true, false>(model, pairs, max_squared_error, sums);
    else
        sum_normals<Vec, false, false>(model, pairs, max_squared_error, sums);
}

void biweight_sums(const double* model, const PairsF64& pairs, double max_squared_error, bool projective,
                   NormalSums& sums) {
    if (projective)
        sum_normals<VecD, true, true>(model, pairs, max_squared_error, sums);
    else
        sum_normals<VecD, false, true>(model, pairs, max_squared_error, sums);
}
