// Nearest centroids in sub-spaces of few dimensions.

static_assert(centroid_block == 8);  // vectors of this many floats

/// Some columns of the panel. The loop over the dimensions is unrolled where their number is known (0: it is
/// not).
template <std::size_t count, std::size_t known_dim>
inline void nearest_of(const float* panel, const Centroids& centroids, const std::uint32_t* numbers,
                       std::size_t num_numbers, std::size_t dim, float* rests, std::uint32_t* nearest) {
    Vec best[count];
    VecIndex number[count] = {};
    for (std::size_t v = 0; v < count; ++v) best[v] = broadcast(__builtin_inff());
    for (std::size_t i = 0; i < num_numbers; ++i) {
        const std::size_t c = numbers[i];
        const Vec half = broadcast(centroids.halves[c]);
        const VecIndex own = numbers[i] - VecIndex{};
        Vec rest[count];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < count; ++v) rest[v] = half;
        const auto subtract = [&](std::size_t d) {
            const Vec value = broadcast(centroids.columns[d * centroids.stride + c]);
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
            number[v] = nearer ? own : number[v];
        }
    }
    for (std::size_t v = 0; v < count; ++v) {
        store(rests + v * lanes, best[v]);
        store_index(nearest + v * lanes, number[v]);
    }
}

/// Calls run.operator()<known_dim>() where that is known to pay, else run.operator()<0>().
template <class Run>
inline void for_dim(std::size_t dim, const Run& run) {
    switch (dim) {
        case 1:
            return run.template operator()<1>();
        case 2:
            return run.template operator()<2>();
        case 4:
            return run.template operator()<4>();
        case 8:
            return run.template operator()<8>();
        default:
            return run.template operator()<0>();
    }
}

void nearest_centroids(const float* panel, const Centroids& centroids, const std::uint32_t* numbers,
                       std::size_t count, std::size_t dim, float* rests, std::uint32_t* nearest) {
    for_dim(dim, [&]<std::size_t known>() {
        constexpr std::size_t at_once = pq_panel_columns / lanes < 4 ? pq_panel_columns / lanes : 4;
        for (std::size_t v = 0; v < pq_panel_columns; v += at_once * lanes)
            nearest_of<at_once, known>(panel + v, centroids, numbers, count, dim, rests + v, nearest + v);
    });
}

typedef std::uint32_t Vec8Index __attribute__((vector_size(32)));

inline Vec8 smaller(Vec8 a, Vec8 b) { return a < b ? a : b; }

/// The smallest value, in all lanes.
inline Vec8 smallest(Vec8 v) {
    v = smaller(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
    v = smaller(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5));
    return smaller(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6));
}

/// Bit l is lane l's sign.
inline unsigned sign_bits(Vec8Index v) {
#if defined(__AVX2__)
    return static_cast<unsigned>(_mm256_movemask_ps((__m256)v));
#elif defined(__SSE2__)
    const auto low = __builtin_shufflevector(v, v, 0, 1, 2, 3),
               high = __builtin_shufflevector(v, v, 4, 5, 6, 7);
    return static_cast<unsigned>(_mm_movemask_ps((__m128)low) | _mm_movemask_ps((__m128)high) << 4);
#else
    unsigned bits = 0;
    for (std::size_t l = 0; l < 8; ++l) bits |= v[l] >> 31 << l;
    return bits;
#endif
}

/// The nearest for two columns, which share what is loaded.
template <std::size_t known_dim>
inline void nearest_for_two(const float* const (&columns)[2], const CentroidBlocks& centroids,
                            std::size_t some_dim, std::uint32_t (&nearest)[2]) {
    const std::size_t dim = known_dim ? known_dim : some_dim;
    Vec8 best[2];
    best[0] = best[1] = __builtin_inff() - Vec8{};
    Vec8Index block[2] = {}, own = {};
    const float* values = centroids.blocks;
    for (std::uint32_t b = 0; b < centroids.num_blocks; ++b, own += 1, values += 8 * (dim + 1)) {
        Vec8 rest[2];
        rest[0] = rest[1] = load<Vec8>(values);
#pragma GCC unroll 8
        for (std::size_t d = 0; d < dim; ++d) {
            const Vec8 value = load<Vec8>(values + 8 * (d + 1));
#pragma GCC unroll 2
            for (std::size_t i = 0; i < 2; ++i)
                rest[i] -= value * (columns[i][d * pq_panel_columns] - Vec8{});
        }
#pragma GCC unroll 2
        for (std::size_t i = 0; i < 2; ++i) {
            const auto nearer = rest[i] < best[i];
            best[i] = nearer ? rest[i] : best[i];
            block[i] = nearer ? own : block[i];
        }
    }
#pragma GCC unroll 2
    for (std::size_t i = 0; i < 2; ++i) {  // numbers ascend along the blocks, then along the places
        const unsigned least = sign_bits((Vec8Index)(best[i] == smallest(best[i])));
        const auto place = static_cast<std::uint32_t>(__builtin_ctz(least));
        nearest[i] = centroids.numbers[place * centroids.num_blocks + block[i][place]];
    }
}

void nearest_in_blocks(const float* panels, const std::uint32_t* columns, std::size_t count,
                       const CentroidBlocks& centroids, std::size_t dim, std::uint32_t* nearest) {
    const auto column = [&](std::size_t j) {
        return panels + j / pq_panel_columns * dim * pq_panel_columns + j % pq_panel_columns;
    };
    for_dim(dim, [&]<std::size_t known>() {
        for (std::size_t i = 0; i < count; i += 2) {
            const std::size_t a = columns[i], b = columns[i + 1 < count ? i + 1 : i];
            std::uint32_t found[2];
            nearest_for_two<known>({column(a), column(b)}, centroids, dim, found);
            nearest[a] = found[0], nearest[b] = found[1];
        }
    });
}

void cells_of(const float* panel, const Grid& grid, std::size_t dim, std::uint32_t* cells) {
    for (std::size_t j = 0; j < pq_panel_columns; j += lanes) {
        VecIndex cell = {};
        VecMask outside = {};
        const float* thresholds = grid.thresholds;
        for (std::size_t d = 0; d < dim; ++d) {
            const Vec value = load<Vec>(panel + d * pq_panel_columns + j);
            outside |= (value < grid.low[d]) | (value > grid.high[d]);
            cell *= grid.intervals[d];
            for (std::uint32_t i = 1; i < grid.intervals[d]; ++i) cell -= (VecIndex)(value >= *thresholds++);
        }
        store_index(cells + j, outside ? grid.num_cells - VecIndex{} : cell);
    }
}

template <std::size_t known_dim>
inline std::size_t near_box_of(const Centroids& centroids, std::size_t some_dim, const float* middle,
                               const float* reach, float margin, float* scratch, std::uint32_t* places) {
    const std::size_t dim = known_dim ? known_dim : some_dim;
    const auto values = [&](std::size_t d, std::size_t i) {
        return load<Vec8>(centroids.columns + d * centroids.stride + i);
    };
    float *others = scratch, *rests = scratch + 8 * dim;
    Vec8 least = __builtin_inff() - Vec8{};
    Vec8Index here = {0, 1, 2, 3, 4, 5, 6, 7}, place = here;
    for (std::size_t i = 0; i < centroids.count; i += 8, here += 8) {
        Vec8 rest = load<Vec8>(centroids.halves + i);
#pragma GCC unroll 8
        for (std::size_t d = 0; d < dim; ++d) rest -= values(d, i) * (middle[d] - Vec8{});
        store(rests + i, rest);
        const auto less = rest < least;
        least = less ? rest : least;
        place = less ? here : place;
    }
    for (std::size_t d = 0; d < dim; ++d)
        for (std::size_t o = 0; o < 8; ++o)
            others[8 * d + o] = centroids.columns[d * centroids.stride + place[o]];

    std::size_t found = 0;
    for (std::size_t i = 0; i < centroids.count; i += 8) {
        const Vec8 rest = load<Vec8>(rests + i);
        Vec8 own[known_dim ? known_dim : 1];
#pragma GCC unroll 8
        for (std::size_t d = 0; d < known_dim; ++d) own[d] = values(d, i);
        Vec8Index farther = {};
#pragma GCC unroll 8
        for (std::size_t o = 0; o < 8; ++o) {
            Vec8 more = rest - least[o];
#pragma GCC unroll 8
            for (std::size_t d = 0; d < dim; ++d) {
                const Vec8 difference = (known_dim ? own[d] : values(d, i)) - others[8 * d + o];
                more -= (Vec8)((Vec8Index)difference & 0x7fffffff) * reach[d];
            }
            farther |= (Vec8Index)(more > margin);
        }
        const unsigned near = ~sign_bits(farther);
        for (std::size_t l = 0; l < 8; ++l) {  // at first behind the last that is near
            places[found] = static_cast<std::uint32_t>(i + l);
            found += (near >> l & 1) & (i + l < centroids.count);
        }
    }
    return found;
}

std::size_t near_box(const Centroids& centroids, std::size_t dim, const float* middle, const float* reach,
                     float margin, float* scratch, std::uint32_t* places) {
    std::size_t found = 0;
    for_dim(dim, [&]<std::size_t known>() {
        found = near_box_of<known>(centroids, dim, middle, reach, margin, scratch, places);
    });
    return found;
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
