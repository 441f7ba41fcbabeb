// Product quantisation: nearest centroids in sub-spaces of few dimensions, and look-up tables.

/// Columns at..at + count * lanes - 1 of the panel. The loop over the dimensions is unrolled where their
/// number is known (0: it is not).
template <std::size_t count, std::size_t known_dim>
inline void nearest_of(const float* panel, const float* centroids, const float* halves,
                       std::size_t num_centroids, std::size_t dim, float* rests, std::uint32_t* nearest) {
    Vec best[count];
    VecIndex index[count] = {};
    for (std::size_t v = 0; v < count; ++v) best[v] = broadcast(__builtin_inff());
    for (std::size_t c = 0; c < num_centroids; ++c, centroids += dim) {
        const Vec half = broadcast(halves[c]);
        const VecIndex number = static_cast<std::uint32_t>(c) - VecIndex{};
        Vec rest[count];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < count; ++v) rest[v] = half;
        const auto subtract = [&](std::size_t d) {
            const Vec value = broadcast(centroids[d]);
#pragma GCC unroll 4
            for (std::size_t v = 0; v < count; ++v)
                rest[v] -= load<Vec>(panel + d * pq_panel_columns + v * lanes) * value;
        };
        if constexpr (known_dim > 0) {
#pragma GCC unroll 8
            for (std::size_t d = 0; d < known_dim; ++d) subtract(d);
        } else {
            for (std::size_t d = 0; d < dim; ++d) subtract(d);
        }
#pragma GCC unroll 4
        for (std::size_t v = 0; v < count; ++v) {
            const auto nearer = rest[v] < best[v];
            best[v] = nearer ? rest[v] : best[v];
            index[v] = nearer ? number : index[v];
        }
    }
    for (std::size_t v = 0; v < count; ++v) {
        store(rests + v * lanes, best[v]);
        store_index(nearest + v * lanes, index[v]);
    }
}

template <std::size_t known_dim>
inline void nearest_in_panel(const float* panel, const float* centroids, const float* halves,
                             std::size_t num_centroids, std::size_t dim, float* rests,
                             std::uint32_t* nearest) {
    constexpr std::size_t at_once = pq_panel_columns / lanes < 4 ? pq_panel_columns / lanes : 4;
    for (std::size_t v = 0; v < pq_panel_columns; v += at_once * lanes)
        nearest_of<at_once, known_dim>(panel + v, centroids, halves, num_centroids, dim, rests + v,
                                       nearest + v);
}

void nearest_centroids(const float* panel, const float* centroids, const float* halves,
                       std::size_t num_centroids, std::size_t dim, float* rests, std::uint32_t* nearest) {
    const auto nearest_for = [&]<std::size_t known>() {
        nearest_in_panel<known>(panel, centroids, halves, num_centroids, dim, rests, nearest);
    };
    switch (dim) {
        case 1:
            return nearest_for.template operator()<1>();
        case 2:
            return nearest_for.template operator()<2>();
        case 4:
            return nearest_for.template operator()<4>();
        case 8:
            return nearest_for.template operator()<8>();
        default:
            return nearest_for.template operator()<0>();
    }
}

double approach(const float* panel, const float* centroid, float half, std::size_t dim, const float* squares,
                float* distances) {
    constexpr std::size_t count = pq_panel_columns / lanes;
    Vec rest[count];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < count; ++v) rest[v] = broadcast(half);
    for (std::size_t d = 0; d < dim; ++d) {
        const Vec value = broadcast(centroid[d]);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < count; ++v)
            rest[v] -= load<Vec>(panel + d * pq_panel_columns + v * lanes) * value;
    }
#pragma GCC unroll 8
    for (std::size_t v = 0; v < count; ++v) {
        const Vec distance = load<Vec>(squares + v * lanes) + 2 * rest[v];
        const Vec positive = distance > 0 ? distance : Vec{}, before = load<Vec>(distances + v * lanes);
        store(distances + v * lanes, positive < before ? positive : before);
    }
    Vec8d total = {};
    for (std::size_t j = 0; j < pq_panel_columns; j += 8)
        total += __builtin_convertvector(load<Vec8>(distances + j), Vec8d);
    return sum(total);
}

// Half a vector's floats, and as many doubles as a vector holds.
typedef float HalfVec __attribute__((vector_size(2 * lanes)));
typedef double VecDouble __attribute__((vector_size(4 * lanes)));

template <bool squares>
inline void table_of(const float* query, const float* columns, std::size_t num_centroids, std::size_t dim,
                     float* table) {
    constexpr std::size_t half = lanes / 2;
    for (std::size_t c = 0; c < num_centroids; c += half) {
        VecDouble total = {};
        for (std::size_t d = 0; d < dim; ++d) {
            const auto values =
                __builtin_convertvector(load<HalfVec>(columns + d * num_centroids + c), VecDouble);
            const VecDouble value = static_cast<double>(query[d]) - VecDouble{};
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
