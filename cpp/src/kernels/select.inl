// Which scores of a tile can still matter.

std::size_t select(const float* scores, const float* scale, const float* offset, std::size_t count,
                   float threshold, std::uint32_t* selected) {
    std::size_t n = 0, j = 0;
    const Vec bound = broadcast(threshold);
    for (; j + lanes <= count; j += lanes) {
        unsigned bits = not_less(load<Vec>(scores + j) * load<Vec>(scale + j) + load<Vec>(offset + j), bound);
        for (; bits; bits &= bits - 1)
            selected[n++] = static_cast<std::uint32_t>(j) + static_cast<std::uint32_t>(__builtin_ctz(bits));
    }
    for (; j < count; ++j)
        if (!(scores[j] * scale[j] + offset[j] < threshold)) selected[n++] = static_cast<std::uint32_t>(j);
    return n;
}
