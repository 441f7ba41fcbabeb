Residuals residuals(const Model&, const PointPairs&, float, std::uint8_t*) { return {}; }
