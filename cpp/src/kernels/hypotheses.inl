// Hypotheses from a match, the seed, and its nearest matches: 16 samples at a time, one a lane.

/// Bits of a float >= 0, which ascend with it; the lowest make room for an index.
struct Keys {
    static constexpr std::int32_t infinite = 0x7f800000, index_mask = max_window - 1;

    static VecMask of(Vec value) { return (VecMask)value & ~index_mask; }
};

/// The nearest pairs of as many seeds as there are lanes.
template <bool turned>
struct Nearest {
    Nearest(const PairsF32& pairs, const Turns& turns, const std::uint32_t (&seeds)[lanes], float least)
        : x0(gather(pairs.x0, seeds)),
          y0(gather(pairs.y0, seeds)),
          x1(gather(pairs.x1, seeds)),
          y1(gather(pairs.y1, seeds)),
          min_squared(least) {
        for (VecMask& key : keys) key = Keys::infinite - VecMask{};
        if constexpr (turned) {
            log_scale = gather(turns.log_scale, seeds);
            a = gather(turns.a, seeds), b = gather(turns.b, seeds);
            squared_scale = a * a + b * b;
        }
    }

    static inline Vec gather(const float* values, const std::uint32_t (&seeds)[lanes]) {
        Vec gathered;
        for (std::size_t l = 0; l < lanes; ++l) gathered[l] = values[seeds[l]];
        return gathered;
    }

    inline void meet(const PairsF32& pairs, const Turns& turns, std::size_t j) {
        const Vec dx0 = pairs.x0[j] - x0, dy0 = pairs.y0[j] - y0;
        const Vec dx1 = pairs.x1[j] - x1, dy1 = pairs.y1[j] - y1;
        const Vec squared0 = dx0 * dx0 + dy0 * dy0, squared1 = dx1 * dx1 + dy1 * dy1;
        const Vec larger = squared0 > squared1 ? squared0 : squared1;
        const Vec smaller = squared0 < squared1 ? squared0 : squared1;
        VecMask wanted = smaller >= min_squared;
        if constexpr (turned) {
            const float aj = turns.a[j], bj = turns.b[j];
            const Vec along = a * aj + b * bj, of_scale = log_scale - turns.log_scale[j];
            const Vec u = a * dx0 - b * dy0 - dx1, v = b * dx0 + a * dy0 - dy1;
            wanted &= along > 0.0f;
            wanted &= along * along > turn_cosine * turn_cosine * (aj * aj + bj * bj) * squared_scale;
            wanted &= of_scale * of_scale < turn_log_scale * turn_log_scale;
            wanted &= u * u + v * v < turn_error * turn_error * squared_scale * squared0;
        }
        VecMask key = Keys::of(larger) | static_cast<std::int32_t>(j);
        key = wanted ? key : Keys::infinite - VecMask{};
        for (VecMask& held : keys) {
            const VecMask lower = held < key ? held : key;
            key = held < key ? key : held;
            held = lower;
        }
    }

    /// Whether in some lane a pair may be wanted and near enough that stands as far off in order as pair j.
    inline bool reach(const PairsF32& pairs, const Turns& turns, std::size_t j) const {
        if constexpr (turned) {
            const Vec off = log_scale - turns.log_scale[j];
            return any(off * off < turn_log_scale * turn_log_scale);
        } else {
            const Vec off = pairs.x0[j] - x0;
            return any(Keys::of(off * off) < keys[num_neighbours - 1]);
        }
    }

    Vec x0, y0, x1, y1;
    float min_squared;
    VecMask keys[num_neighbours];  // ascending
    Vec log_scale, a, b, squared_scale;
};

template <bool turned>
void find_nearest(const PairsF32& pairs, const Turns& turns, float min_squared, const std::uint32_t* seeds,
                  std::size_t num_seeds, std::uint32_t* nearest) {
    constexpr std::size_t stretch = 4;  // between looks
    for (std::size_t first = 0; first < num_seeds; first += lanes) {
        std::uint32_t at[lanes];
        const std::size_t count = num_seeds - first < lanes ? num_seeds - first : lanes;
        for (std::size_t l = 0; l < lanes; ++l) at[l] = seeds[first + (l < count ? l : count - 1)];
        Nearest<turned> found(pairs, turns, at, min_squared);
        for (std::size_t j = at[0]; j < pairs.count && (j <= at[lanes - 1] || found.reach(pairs, turns, j));)
            for (const std::size_t end = j + stretch; j < end && j < pairs.count; ++j)
                found.meet(pairs, turns, j);
        for (std::size_t j = at[0]; j > 0 && found.reach(pairs, turns, j - 1);)
            for (const std::size_t end = j - (j < stretch ? j : stretch); j > end;)
                found.meet(pairs, turns, --j);
        for (std::size_t k = 0; k < num_neighbours; ++k)
            for (std::size_t l = 0; l < count; ++l) {
                const std::int32_t key = found.keys[k][l];
                nearest[num_neighbours * (first + l) + k] =
                    key < Keys::infinite ? static_cast<std::uint32_t>(key & Keys::index_mask) : no_neighbour;
            }
    }
}

void nearest_pairs(const PairsF32& pairs, const Turns& turns, float min_squared, const std::uint32_t* seeds,
                   std::size_t num_seeds, std::uint32_t* nearest) {
    if (turns.log_scale)
        find_nearest<true>(pairs, turns, min_squared, seeds, num_seeds, nearest);
    else
        find_nearest<false>(pairs, turns, min_squared, seeds, num_seeds, nearest);
}

/// A point of each lane's sample, in both images, relative to the seed's.
struct Places {
    Vec x0, y0, x1, y1;
};

/// Models that send the seed, the origin, to the origin: (x, y) -> (a x + b y, c x + d y) / (1 + g x + h y).
struct LocalModels {
    Vec a, b, c, d, g, h;
};

inline Places pick_places(const Neighbourhood& around, const std::int32_t* index) {
    return {pick(around.x0, index), pick(around.y0, index), pick(around.x1, index), pick(around.y1, index)};
}

inline Vec cross(Vec ax, Vec ay, Vec bx, Vec by) { return ax * by - ay * bx; }

/// Twice the areas of the triangle of the origin, p and q in both images.
struct Areas {
    Vec in0, in1;
};

inline Areas areas_of(const Places& p, const Places& q) {
    return {cross(p.x0, p.y0, q.x0, q.y0), cross(p.x1, p.y1, q.x1, q.y1)};
}

/// Whether a triangle of that area and longest side is not flat: its orientation is known.
inline VecMask is_open(Vec area, Vec longest) {
    const Vec least = min_flatness * longest;
    return (area > least) | (-area > least);
}

/// Whether a triangle is open, and oriented the same way, in both images.
inline VecMask keeps_orientation(const Areas& areas, Vec longest0, Vec longest1) {
    return is_open(areas.in0, longest0) & is_open(areas.in1, longest1) & (areas.in0 * areas.in1 > 0.0f);
}

inline VecMask keeps_orientation(const Places& p, const Places& q, const Areas& areas) {
    const Vec longest0 = larger(larger(p.x0 * p.x0 + p.y0 * p.y0, q.x0 * q.x0 + q.y0 * q.y0),
                                (p.x0 - q.x0) * (p.x0 - q.x0) + (p.y0 - q.y0) * (p.y0 - q.y0));
    const Vec longest1 = larger(larger(p.x1 * p.x1 + p.y1 * p.y1, q.x1 * q.x1 + q.y1 * q.y1),
                                (p.x1 - q.x1) * (p.x1 - q.x1) + (p.y1 - q.y1) * (p.y1 - q.y1));
    return keeps_orientation(areas, longest0, longest1);
}

/// The affine part, divided by `area0` = areas_of(p, q).in0, that sends p to (u_p, v_p) and q likewise.
inline void send(LocalModels& m, const Places& p, const Places& q, Vec area0, Vec up, Vec vp, Vec uq,
                 Vec vq) {
    const Vec inverse = 1.0f / area0;
    m.a = (up * q.y0 - uq * p.y0) * inverse, m.b = (uq * p.x0 - up * q.x0) * inverse;
    m.c = (vp * q.y0 - vq * p.y0) * inverse, m.d = (vq * p.x0 - vp * q.x0) * inverse;
}

inline VecMask fit_similarity(const Places& p, LocalModels& m) {
    const Vec squared = p.x0 * p.x0 + p.y0 * p.y0, inverse = 1.0f / squared;
    m.a = (p.x1 * p.x0 + p.y1 * p.y0) * inverse, m.c = (p.y1 * p.x0 - p.x1 * p.y0) * inverse;
    m.b = -m.c, m.d = m.a;
    return squared > 0.0f;
}

inline VecMask fit_affine(const Places& p, const Places& q, LocalModels& m) {
    const Areas areas = areas_of(p, q);
    send(m, p, q, areas.in0, p.x1, p.y1, q.x1, q.y1);
    return keeps_orientation(p, q, areas);
}

/// With l1 = area of (q, r), l2 of (r, p), l3 of (p, q): l1 p + l2 q + l3 r = 0, and in image 1 likewise with
/// m1, m2, m3. The denominators w at p, q, r satisfy l1 w1 p' + l2 w2 q' + l3 w3 r' = 0, so wi = k mi / li;
/// they are 1 + (g, h) . p and so on, so l1 w1 + l2 w2 + l3 w3 = l1 + l2 + l3, which determines k.
inline VecMask fit_homography(const Places& p, const Places& q, const Places& r, LocalModels& m) {
    const Areas pq = areas_of(p, q), qr = areas_of(q, r), rp = areas_of(r, p);
    const Areas pqr{pq.in0 + qr.in0 + rp.in0, pq.in1 + qr.in1 + rp.in1};
    const Places s{p.x0 - r.x0, p.y0 - r.y0, p.x1 - r.x1, p.y1 - r.y1};
    const Places t{q.x0 - r.x0, q.y0 - r.y0, q.x1 - r.x1, q.y1 - r.y1};
    const VecMask valid = keeps_orientation(p, q, pq) & keeps_orientation(q, r, qr) &
                          keeps_orientation(r, p, rp) & keeps_orientation(s, t, pqr);
    const Vec k = pqr.in0 / pqr.in1;
    const Vec wp = k * qr.in1 / qr.in0, wq = k * rp.in1 / rp.in0, wr = k * pq.in1 / pq.in0;
    send(m, p, q, pq.in0, wp * p.x1, wp * p.y1, wq * q.x1, wq * q.y1);
    const Vec inverse = 1.0f / pq.in0;
    m.g = ((wp - 1.0f) * q.y0 - (wq - 1.0f) * p.y0) * inverse;
    m.h = ((wq - 1.0f) * p.x0 - (wp - 1.0f) * q.x0) * inverse;
    return valid & (wp > 0.0f) & (wq > 0.0f) & (wr > 0.0f);
}

/// What is left of a sample's models: the cost over the neighbourhood, infinite where too few neighbours are
/// explained.
template <bool projective>
inline Vec local_costs(const LocalModels& m, VecMask valid, const Neighbourhood& around, std::int32_t least,
                       float max_squared_error) {
    const Vec bound = broadcast(max_squared_error);
    Vec cost{};
    VecMask explained{};
    for (std::size_t k = 0; k < num_neighbours; ++k) {
        const float x = around.x0[k], y = around.y0[k];
        Vec u = m.a * x + m.b * y, v = m.c * x + m.d * y;
        VecMask inlier = valid;
        if constexpr (projective) {
            const Vec w = 1.0f + (m.g * x + m.h * y), inverse = 1.0f / w;
            u *= inverse, v *= inverse;
            inlier &= w > 0.0f;
        }
        u -= around.x1[k], v -= around.y1[k];
        const Vec squared = u * u + v * v;
        inlier &= squared < bound;
        cost += inlier ? squared : bound;
        explained -= inlier;
    }
    return (valid & (explained >= least)) ? cost : broadcast(__builtin_inff());
}

/// Points of the samples of 1, 2 and 3 neighbours; of the 20 triples, all but four of the outer ones.
template <int sample_size>
struct Samples;
template <>
struct Samples<2> {
    static constexpr std::int32_t points[1][16] = {{0, 1, 2, 3, 4, 5}};
};
template <>
struct Samples<3> {
    static constexpr std::int32_t points[2][16] = {{0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4},
                                                   {1, 2, 3, 4, 5, 2, 3, 4, 5, 3, 4, 5, 4, 5, 5}};
};
template <>
struct Samples<4> {
    static constexpr std::int32_t points[3][16] = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2},
                                                   {1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 2, 2, 2, 3, 3, 3},
                                                   {2, 3, 4, 5, 3, 4, 5, 4, 5, 5, 3, 4, 5, 4, 5, 4}};
};

/// Neighbours of as many seeds as there are lanes, relative to these; NaN in image 1 where there is none.
struct Surroundings {
    Surroundings(const PairsF32& pairs, const std::uint32_t* seeds, std::size_t count,
                 const std::uint32_t* nearest) {
        alignas(sizeof(Vec)) float places[num_neighbours][4][lanes];
        for (std::size_t l = 0; l < lanes; ++l) {
            const std::size_t s = l < count ? l : count - 1, i = seeds[s];
            for (std::size_t k = 0; k < num_neighbours; ++k) {
                const std::uint32_t found = nearest[num_neighbours * s + k];
                const std::size_t j = found == no_neighbour ? i : found;
                const float none = found == no_neighbour ? __builtin_nanf("") : 0;
                places[k][0][l] = pairs.x0[j] - pairs.x0[i], places[k][1][l] = pairs.y0[j] - pairs.y0[i];
                places[k][2][l] = pairs.x1[j] - pairs.x1[i] + none,
                places[k][3][l] = pairs.y1[j] - pairs.y1[i];
            }
        }
        for (std::size_t k = 0; k < num_neighbours; ++k)
            at[k] = {load<Vec>(places[k][0]), load<Vec>(places[k][1]), load<Vec>(places[k][2]),
                     load<Vec>(places[k][3])};
    }

    Places at[num_neighbours];
};

/// With the areas l1, l2, l3 of fit_homography, l1 p' + l2 q' + l3 r' is l3 times the error of r under the
/// sample of p and q, and likewise for the other two: three samples are tried at once, and nearly all seeds
/// of wrong matches are done with.
inline VecMask some_support(const Surroundings& around, Vec bound) {
    Vec area[num_neighbours][num_neighbours];  // of the first with a later one
    for (std::size_t p = 0; p < num_neighbours; ++p)
        for (std::size_t q = p + 1; q < num_neighbours; ++q)
            area[p][q] = cross(around.at[p].x0, around.at[p].y0, around.at[q].x0, around.at[q].y0);
    VecMask some{};
    for (std::size_t p = 0; p < num_neighbours; ++p)
        for (std::size_t q = p + 1; q < num_neighbours; ++q)
            for (std::size_t r = q + 1; r < num_neighbours; ++r) {
                const Vec l1 = area[q][r], l2 = area[p][r], l3 = area[p][q];
                const Vec u = l1 * around.at[p].x1 - l2 * around.at[q].x1 + l3 * around.at[r].x1;
                const Vec v = l1 * around.at[p].y1 - l2 * around.at[q].y1 + l3 * around.at[r].y1;
                const Vec largest = larger(larger(l1 * l1, l2 * l2), l3 * l3);
                some |= u * u + v * v < bound * largest;
            }
    return some;
}

void may_have_support(const PairsF32& pairs, const std::uint32_t* seeds, std::size_t num_seeds,
                      const std::uint32_t* nearest, float max_squared_error, std::uint8_t* may) {
    constexpr float room = 1.02f, rounding = 5e-11f;  // what the samples themselves round is not lost here
    const Vec bound = broadcast(max_squared_error * room + rounding);
    for (std::size_t first = 0; first < num_seeds; first += lanes) {
        const std::size_t count = num_seeds - first < lanes ? num_seeds - first : lanes;
        const VecMask some =
            some_support({pairs, seeds + first, count, nearest + num_neighbours * first}, bound);
        for (std::size_t l = 0; l < count; ++l) may[first + l] = some[l] != 0;
    }
}

template <int sample_size>
Proposal propose(const Neighbourhood& around, std::size_t num_samples, std::uint32_t support,
                 float max_squared_error) {
    constexpr auto& points = Samples<sample_size>::points;
    const auto least = static_cast<std::int32_t>(sample_size - 1 + support);
    Proposal best{0, {}};
    float lowest = __builtin_inff();
    for (std::size_t first = 0; first < num_samples; first += lanes) {
        LocalModels m{};
        VecMask valid;
        const Places p = pick_places(around, points[0] + first);
        if constexpr (sample_size == 2) {
            valid = fit_similarity(p, m);
        } else if constexpr (sample_size == 3) {
            valid = fit_affine(p, pick_places(around, points[1] + first), m);
        } else {
            valid = fit_homography(p, pick_places(around, points[1] + first),
                                   pick_places(around, points[2] + first), m);
        }
        const Vec costs = local_costs<sample_size == 4>(m, valid, around, least, max_squared_error);
        if (!any(costs < lowest)) continue;
        for (std::size_t l = 0; l < lanes && first + l < num_samples; ++l) {
            if (!(costs[l] < lowest)) continue;
            lowest = costs[l];
            best = {1, {m.a[l], m.b[l], 0, m.c[l], m.d[l], 0, m.g[l], m.h[l], 1}};
        }
    }
    return best;
}
