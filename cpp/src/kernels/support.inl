// How many matches bear out the similarity that one match's features propose: hypotheses in lanes.

/// Of as many hypotheses as V has lanes.
template <class V>
inline void support_of(const Frames& hypotheses, std::size_t i, const PairsF32& pairs,
                       float max_squared_error, float squared_slope, float* support) {
    const V zero{}, least = max_squared_error - zero;
    const V x0 = load<V>(hypotheses.x0 + i), y0 = load<V>(hypotheses.y0 + i);
    const V x1 = load<V>(hypotheses.x1 + i), y1 = load<V>(hypotheses.y1 + i);
    const V a = load<V>(hypotheses.a + i), b = load<V>(hypotheses.b + i);
    const V slope = squared_slope * (a * a + b * b);
    V total{};
    for (std::size_t j = 0; j < pairs.count; ++j) {
        const V dx = pairs.x0[j] - x0, dy = pairs.y0[j] - y0;
        const V u = a * dx - b * dy - (pairs.x1[j] - x1), v = b * dx + a * dy - (pairs.y1[j] - y1);
        const V bound = least + slope * (dx * dx + dy * dy);
        const V share = 1.0f - (u * u + v * v) / bound;
        total += share > zero ? share : zero;
    }
    store(support + i, total);
}

void frame_support(const Frames& hypotheses, std::size_t num_hypotheses, const PairsF32& pairs,
                   float max_squared_error, float squared_slope, float* support) {
    for (std::size_t i = 0; i < num_hypotheses; i += lanes) {
        // There are few at a time, and half a vector takes half as long.
        if (lanes == 16 && num_hypotheses - i <= 8)
            support_of<Vec8>(hypotheses, i, pairs, max_squared_error, squared_slope, support);
        else
            support_of<Vec>(hypotheses, i, pairs, max_squared_error, squared_slope, support);
    }
}
