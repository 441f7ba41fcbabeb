// How many matches bear out the similarity that one match's features propose: hypotheses in lanes.

void frame_support(const Frames& hypotheses, std::size_t num_hypotheses, const PairsF32& pairs,
                   float max_squared_error, float squared_slope, float* support) {
    const Vec least = broadcast(max_squared_error), zero{};
    for (std::size_t i = 0; i < num_hypotheses; i += lanes) {
        const Vec x0 = load<Vec>(hypotheses.x0 + i), y0 = load<Vec>(hypotheses.y0 + i);
        const Vec x1 = load<Vec>(hypotheses.x1 + i), y1 = load<Vec>(hypotheses.y1 + i);
        const Vec a = load<Vec>(hypotheses.a + i), b = load<Vec>(hypotheses.b + i);
        const Vec slope = squared_slope * (a * a + b * b);
        Vec total{};
        for (std::size_t j = 0; j < pairs.count; ++j) {
            const Vec dx = pairs.x0[j] - x0, dy = pairs.y0[j] - y0;
            const Vec u = a * dx - b * dy - (pairs.x1[j] - x1), v = b * dx + a * dy - (pairs.y1[j] - y1);
            const Vec bound = least + slope * (dx * dx + dy * dy);
            const Vec share = 1.0f - (u * u + v * v) / bound;
            total += share > zero ? share : zero;
        }
        store(support + i, total);
    }
}
