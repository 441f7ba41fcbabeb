// Product quantisation: look-up tables.

// Half a vector's floats.
typedef float HalfVec __attribute__((vector_size(2 * lanes)));

template <bool squares>
inline void table_of(const float* query, const float* columns, std::size_t num_centroids, std::size_t dim,
                     float* table) {
    constexpr std::size_t half = lanes / 2;
    for (std::size_t c = 0; c < num_centroids; c += half) {
        VecD total = {};
        for (std::size_t d = 0; d < dim; ++d) {
            const VecD values = load_widened(columns + d * num_centroids + c);
            const VecD value = static_cast<double>(query[d]) - VecD{};
            total = squares ? total - (value - values) * (value - values) : total + value * values;
        }
        store(table + c, __builtin_convertvector(total, HalfVec));
    }
}

void dot_table(const float* query, const float* columns, std::size_t num_centroids, std::size_t dim,
               float* table) {
    table_of<false>(query, columns, num_centroids, dim, table);
}

void l2_table(const float* query, const float* columns, std::size_t num_centroids, std::size_t dim,
              float* table) {
    table_of<true>(query, columns, num_centroids, dim, table);
}

void extremes(const float* values, std::size_t count, float* smallest, float* largest) {
    Vec low = load<Vec>(values), high = low;
    for (std::size_t i = lanes; i < count; i += lanes) {
        const Vec v = load<Vec>(values + i);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    *smallest = low[0], *largest = high[0];
    for (std::size_t l = 1; l < lanes; ++l) {
        *smallest = low[l] < *smallest ? low[l] : *smallest;
        *largest = high[l] > *largest ? high[l] : *largest;
    }
}

void bytes_above(const float* values, std::size_t count, float lowest, float factor, std::uint8_t* bytes) {
    typedef std::uint8_t LaneBytes __attribute__((vector_size(lanes)));
    for (std::size_t i = 0; i < count; i += lanes) {
        const Vec above = (load<Vec>(values + i) - lowest) * factor + 1e-4f;
        VecMask whole = __builtin_convertvector(above, VecMask);
        whole -= __builtin_convertvector(whole, Vec) < above;
        const LaneBytes rounded = __builtin_convertvector(whole, LaneBytes);
        __builtin_memcpy(bytes + i, &rounded, lanes);
    }
}

void bytes_below(const float* values, std::size_t count, float largest, float factor, std::uint8_t* bytes) {
    typedef std::uint8_t LaneBytes __attribute__((vector_size(lanes)));
    for (std::size_t i = 0; i < count; i += lanes) {
        Vec below = (largest - load<Vec>(values + i)) * factor - 1e-4f;
        below = below > 0 ? below : Vec{};
        below = below < 255.0f ? below : 255.0f - Vec{};
        const auto rounded = __builtin_convertvector(__builtin_convertvector(below, VecMask), LaneBytes);
        __builtin_memcpy(bytes + i, &rounded, lanes);
    }
}
