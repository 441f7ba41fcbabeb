// The kernels of floats.
#include <array>
#include <bit>

#include "aligned.hpp"
#include "kernels.hpp"

namespace {

float dot(const float* a, const float* b, std::size_t dim) {
    float total = 0;
    for (std::size_t c = 0; c < dim; ++c) total += a[c] * b[c];
    return total;
}

void test_dot_tile(const Table& table) {
    for (std::size_t dim = 0; dim <= 70; ++dim) {
        const Floats queries = whole_floats(dim * table.tile_queries),
                     rows = whole_floats(dim * table.tile_rows);
        Floats scores(table.tile_queries * table.tile_rows, not_a_number), expected(scores.size(), 0.0f);
        for (std::size_t i = 0; i < table.tile_queries; ++i)
            for (std::size_t j = 0; j < table.tile_rows; ++j)
                for (std::size_t c = 0; c < dim; ++c)
                    expected[i * table.tile_rows + j] +=
                        queries[c * table.tile_queries + i] * rows[c * table.tile_rows + j];
        table.dot_tile(queries.data(), rows.data(), dim, false, scores.data(), table.tile_rows);
        agree(scores == expected, table, "dot_tile", {dim});

        const std::size_t stride = table.tile_rows + 3;  // and what lies between stays
        Floats sums(table.tile_queries * stride, 5.0f), expected_sums(sums);
        for (std::size_t at = 0; at < expected.size(); ++at)
            expected_sums[at / table.tile_rows * stride + at % table.tile_rows] += expected[at];
        table.dot_tile(queries.data(), rows.data(), dim, true, sums.data(), stride);
        agree(sums == expected_sums, table, "dot_tile, added", {dim});
    }
}

void test_fused_tiles(const Table& table) {
    for (std::size_t dim = 0; dim <= 1100; dim += dim < 20 || (dim > 250 && dim < 260) ? 1 : 33) {
        const Floats queries = real_floats(dim * table.tile_queries),
                     rows = real_floats(dim * table.tile_rows);
        Floats dots(table.tile_queries * table.tile_rows), distances(dots.size());
        Floats expected_dots(dots.size()), expected_distances(dots.size());
        for (std::size_t at = 0; at < dots.size(); ++at)
            for (std::size_t begin = 0; begin < dim; begin += hcbir::kernels::fused_chunk) {
                float dot = 0, distance = 0;
                for (std::size_t c = begin; c < std::min(dim, begin + hcbir::kernels::fused_chunk); ++c) {
                    const float query = queries[c * table.tile_queries + at / table.tile_rows];
                    const float row = rows[c * table.tile_rows + at % table.tile_rows], rest = query - row;
                    dot = std::fma(query, row, dot), distance = std::fma(rest, rest, distance);
                }
                expected_dots[at] += dot, expected_distances[at] += distance;
            }
        if (dim == 0) continue;
        const auto at_once = [&](hcbir::kernels::Tile* tile, Floats& sums) {
            tile(queries.data(), rows.data(), dim, false, sums.data(), table.tile_rows);
        };
        const auto by_blocks = [&](hcbir::kernels::Tile* tile, Floats& sums) {
            for (std::size_t c = 0; c < dim; c += hcbir::kernels::fused_chunk)
                tile(queries.data() + c * table.tile_queries, rows.data() + c * table.tile_rows,
                     std::min(hcbir::kernels::fused_chunk, dim - c), c > 0, sums.data(), table.tile_rows);
        };
        at_once(table.fused_dot_tile, dots), at_once(table.fused_l2_tile, distances);
        agree(same(dots, expected_dots), table, "fused_dot_tile", {dim});
        agree(same(distances, expected_distances), table, "fused_l2_tile", {dim});
        by_blocks(table.fused_dot_tile, dots), by_blocks(table.fused_l2_tile, distances);
        agree(same(dots, expected_dots), table, "fused_dot_tile by blocks", {dim});
        agree(same(distances, expected_distances), table, "fused_l2_tile by blocks", {dim});
    }
}

void test_fused_rows(const Table& table) {
    for (std::size_t dim = 1; dim <= 1100; dim += dim < 20 || (dim > 250 && dim < 260) ? 1 : 33)
        for (std::size_t count = 0; count <= 2 * table.tile_rows + 1; count += dim % 5 ? 7 : 1) {
            const std::size_t stride = dim + count % 3;
            const Floats query = real_floats(dim), rows = real_floats(count * stride);
            Floats dots(count + 1, 5.0f), distances(dots), expected_dots(dots), expected_distances(dots);
            for (std::size_t j = 0; j < count; ++j) {
                expected_dots[j] = expected_distances[j] = 0;
                for (std::size_t begin = 0; begin < dim; begin += hcbir::kernels::fused_chunk) {
                    float dot = 0, distance = 0;
                    for (std::size_t c = begin; c < std::min(dim, begin + hcbir::kernels::fused_chunk); ++c) {
                        const float row = rows[j * stride + c], rest = query[c] - row;
                        dot = std::fma(query[c], row, dot), distance = std::fma(rest, rest, distance);
                    }
                    expected_dots[j] += dot, expected_distances[j] += distance;
                }
            }
            table.fused_dot_rows(query.data(), rows.data(), stride, count, dim, dots.data());
            table.fused_l2_rows(query.data(), rows.data(), stride, count, dim, distances.data());
            agree(same(dots, expected_dots), table, "fused_dot_rows", {dim, count});
            agree(same(distances, expected_distances), table, "fused_l2_rows", {dim, count});
        }
}

void test_longest_half_blocks(const Table& table) {
    constexpr std::size_t block = hcbir::kernels::byte_block;
    for (std::size_t dim = 0; dim <= 200; ++dim)
        for (std::size_t count = 0; count <= 5; ++count) {
            const std::size_t stride = dim + count % 3;
            const Floats rows = whole_floats(count * stride);
            Floats longest(count), expected(count);
            for (std::size_t j = 0; j < count; ++j) {
                Floats sums(2 * (dim / block + 1));
                for (std::size_t c = 0; c < dim; ++c)
                    sums[2 * (c / block) + c % 4 / 2] += rows[j * stride + c] * rows[j * stride + c];
                expected[j] = *std::max_element(sums.begin(), sums.end());
            }
            table.longest_half_blocks(rows.data(), stride, count, dim, longest.data());
            agree(longest == expected, table, "longest_half_blocks", {dim, count});
        }
}

void test_dot_rows(const Table& table) {
    for (std::size_t dim = 0; dim <= 133; ++dim)
        for (std::size_t count = 0; count <= 9; ++count) {
            const std::size_t stride = dim + count % 3;
            const Floats rows = whole_floats(count * stride), query = whole_floats(dim);
            Floats scores(count + 1, 5.0f), expected(scores), norms(count), squares(count);
            for (std::size_t j = 0; j < count; ++j) {
                const float* row = rows.data() + j * stride;
                squares[j] = dot(row, row, dim), expected[j] = dot(query.data(), row, dim);
            }
            for (const bool near : {false, true}) {
                table.dot_rows(query.data(), rows.data(), stride, count, dim, scores.data(), norms.data(),
                               near);
                agree(scores == expected && norms == squares, table, "dot_rows", {dim, count});
            }
        }
}

void test_dot_strip(const Table& table) {
    for (const std::size_t dim : {0, 1, 15, 16, 17, 100, 255, 256, 273, 530})
        for (std::size_t count = 0; count <= 25; ++count)
            for (std::size_t num_queries = 1; num_queries <= table.strip_queries; ++num_queries)
                for (const bool with_norms : {false, true}) {
                    const std::size_t stride = dim + count % 3;
                    const std::size_t width =
                        num_queries > hcbir::kernels::narrow_strip
                            ? table.strip_queries
                            : std::min(table.strip_queries, hcbir::kernels::narrow_strip);
                    const Floats rows = whole_floats(count * stride), queries = whole_floats(dim * width);
                    Floats scores(num_queries * (count + 1), 5.0f), expected(scores), norms(count),
                        squares(count);
                    for (std::size_t j = 0; j < count; ++j) {
                        const float* row = rows.data() + j * stride;
                        squares[j] = with_norms ? dot(row, row, dim) : 0;
                        for (std::size_t i = 0; i < num_queries; ++i) {
                            float& sum = expected[i * (count + 1) + j] = 0;
                            for (std::size_t c = 0; c < dim; ++c) sum += queries[c * width + i] * row[c];
                        }
                    }
                    table.dot_strip(queries.data(), num_queries, rows.data(), stride, count, dim,
                                    scores.data(), count + 1, with_norms ? norms.data() : nullptr,
                                    count % 2 == 0);
                    agree(scores == expected && norms == squares, table, "dot_strip",
                          {dim, count, num_queries});
                }
}

void test_dots(const Table& table) {
    for (std::size_t dim = 0; dim <= 133; ++dim)
        for (std::size_t count = 0; count <= 17; ++count) {
            const Floats a = whole_floats(dim), vectors = whole_floats(count * dim);
            std::vector<const float*> places;
            Floats products(count), expected;
            for (std::size_t i = 0; i < count; ++i) {
                places.push_back(vectors.data() + (count - 1 - i) * dim);
                expected.push_back(dot(a.data(), places.back(), dim));
            }
            table.dots(a.data(), places.data(), count, nullptr, dim, products.data());
            agree(products == expected, table, "dots", {dim, count});
        }
}

void test_norms_and_magnitudes(const Table& table) {
    for (std::size_t dim = 0; dim <= 70; ++dim)
        for (std::size_t count = 0; count <= 9; ++count) {
            const std::size_t stride = dim + count % 3;
            Floats rows = whole_floats(count * stride), norms(count), squares(count);
            for (std::size_t j = 0; j < count; ++j)
                squares[j] = dot(rows.data() + j * stride, rows.data() + j * stride, dim);
            table.squared_norms(rows.data(), stride, count, dim, norms.data());
            agree(norms == squares, table, "squared_norms", {dim, count});

            for (float& x : rows) x = whole(0, 5) == 0 ? (whole(0, 9) == 0 ? -infinity : not_a_number) : x;
            Floats largest(count), expected(count, 0.0f);
            for (std::size_t j = 0; j < count; ++j)
                for (std::size_t c = 0; c < dim; ++c)
                    if (std::fabs(rows[j * stride + c]) > expected[j])
                        expected[j] = std::fabs(rows[j * stride + c]);
            table.largest_magnitudes(rows.data(), stride, count, dim, largest.data());
            agree(largest == expected, table, "largest_magnitudes", {dim, count});
        }
}

void rotate_part(float* x, std::size_t size, float scale) {
    for (std::size_t c = 0; c < size; ++c) x[c] *= scale;
    for (std::size_t half = 1; half < size; half *= 2)
        for (std::size_t c = 0; c < size; ++c)
            if (!(c & half)) {
                const float a = x[c], b = x[c + half];
                x[c] = a + b, x[c + half] = a - b;
            }
}

void test_rotate_row(const Table& table) {
    for (std::size_t size = 16; size <= 256; size *= 2)
        for (std::size_t dim = size; dim < 2 * size; dim += dim < size + 40 ? 1 : 37) {
            const Floats row = real_floats(dim);
            Floats signs(dim), rotated(dim), expected(dim);
            for (float& s : signs) s = whole(0, 1) ? 1.0f : -1.0f;
            const float scale = 1 / std::sqrt(static_cast<float>(size));
            for (std::size_t c = 0; c < dim; ++c) expected[c] = row[c] * signs[c];
            rotate_part(expected.data(), size, scale);
            if (size < dim) rotate_part(expected.data() + dim - size, size, scale);
            table.rotate_row(row.data(), signs.data(), dim, size, scale, rotated.data());
            agree(same(rotated, expected), table, "rotate_row", {dim, size});
        }
}

void test_reflect_rows(const Table& table) {
    constexpr std::size_t most = hcbir::kernels::reflected_rows;
    for (const std::size_t dim : {1, 2, 3, 4, 7, 64, 129})
        for (std::size_t count = 1; count <= most; ++count) {
            const std::size_t stride = dim + count % 3, padded = (dim + 3) / 4 * 4,
                              num_reflectors = 1 + count % 3;
            const Floats rows = real_floats(count * stride), values = real_floats(num_reflectors * dim);
            std::vector<double> reflectors(num_reflectors * padded), factors(num_reflectors);
            for (std::size_t i = 0; i < num_reflectors; ++i) {
                factors[i] = 0.1 + static_cast<double>(i) / dim;
                for (std::size_t c = 0; c < dim; ++c) reflectors[i * padded + c] = values[i * dim + c];
            }
            Floats reflected(count * dim), expected(count * dim);
            for (std::size_t j = 0; j < count; ++j) {
                std::vector<double> x(rows.begin() + static_cast<std::ptrdiff_t>(j * stride),
                                      rows.begin() + static_cast<std::ptrdiff_t>(j * stride + dim));
                for (std::size_t i = 0; i < num_reflectors; ++i) {
                    const double* v = reflectors.data() + i * padded;
                    double sums[4] = {};
                    for (std::size_t c = 0; c < dim; ++c) sums[c % 4] += v[c] * x[c];
                    const double times = factors[i] * ((sums[0] + sums[1]) + (sums[2] + sums[3]));
                    for (std::size_t c = 0; c < dim; ++c) x[c] -= v[c] * times;
                }
                for (std::size_t c = 0; c < dim; ++c) expected[j * dim + c] = static_cast<float>(x[c]);
            }
            hcbir::AlignedBuffer<double> work(most * padded);
            table.reflect_rows(rows.data(), stride, count, dim, reflectors.data(), factors.data(),
                               num_reflectors, work.data(), reflected.data());
            agree(same(reflected, expected), table, "reflect_rows", {dim, count});
        }
}

void test_select(const Table& table) {
    for (std::size_t count = 0; count <= 100; ++count) {
        Floats keys = real_floats(count);
        for (float& key : keys) key = whole(0, 9) == 0 ? not_a_number : key;
        Indices selected(count, 77), expected;
        for (std::size_t j = 0; j < count; ++j)
            if (!(keys[j] < 0.5f)) expected.push_back(static_cast<std::uint32_t>(j));
        selected.resize(table.select(keys.data(), count, 0.5f, selected.data()));
        agree(selected == expected, table, "select", {count});
    }
}

void test_keep_scores(const Table& table) {
    for (std::size_t count = 0; count <= 100; ++count) {
        Floats scores = real_floats(count), kept(count + 16), expected;
        for (float& s : scores) s = whole(0, 9) == 0 ? not_a_number : s;
        Indices indices(count + 16), expected_indices;
        for (std::size_t i = 0; i < count; ++i)
            if (!(scores[i] < 0.3f)) {
                expected.push_back(scores[i]);
                expected_indices.push_back(static_cast<std::uint32_t>(i) + 4000000000u);
            }
        const std::size_t found =
            table.keep_scores(scores.data(), 4000000000u, count, 0.3f, kept.data(), indices.data());
        kept.resize(found), indices.resize(found);
        agree(same(kept, expected) && indices == expected_indices, table, "keep_scores", {count});
    }
}

void test_ranks(const Table& table) {
    for (std::size_t count = 0; count <= 160; count += hcbir::kernels::counted_at_once)
        for (std::size_t num_bars = 0; num_bars <= 20; ++num_bars) {
            Floats scores = whole_floats(count);
            for (float& s : scores) s = whole(0, 9) ? s / 2 : (whole(0, 1) ? -0.0f : infinity);
            const bool has_nan = count && num_bars % 4 == 3;
            std::vector<std::int32_t> ordered(count), expected(count);
            for (std::size_t i = 0; i < count; ++i) {
                const auto bits = std::bit_cast<std::int32_t>(scores[i]);
                expected[i] = scores[i] == 0 ? 0 : bits < 0 ? bits ^ 0x7fffffff : bits;
            }
            agree(!table.order_scores(scores.data(), count, ordered.data()) && ordered == expected, table,
                  "order_scores", {count});
            std::vector<std::int32_t> bars(num_bars);
            Indices counts(num_bars, 7), expected_counts(num_bars, 7);
            for (std::size_t b = 0; b < num_bars; ++b) {
                bars[b] =
                    count ? expected[static_cast<std::size_t>(whole(0, static_cast<int>(count) - 1))] : 0;
                for (const std::int32_t s : expected) expected_counts[b] += s > bars[b];
            }
            table.count_above(expected.data(), count, bars.data(), num_bars, counts.data());
            agree(counts == expected_counts, table, "count_above", {count, num_bars});
            if (!has_nan) continue;
            scores[static_cast<std::size_t>(whole(0, static_cast<int>(count) - 1))] = not_a_number;
            agree(table.order_scores(scores.data(), count, ordered.data()), table, "order_scores: NaN",
                  {count});
        }
}

/// The order of summation that abi.hpp writes down.
template <class Number>
Number folded(std::array<Number, 16> partial) {
    for (std::size_t apart = 8; apart > 0; apart /= 2)
        for (std::size_t p = 0; p < apart; ++p) partial[p] += partial[p + apart];
    return partial[0];
}

void test_exact_scores(const Table& table) {
    for (std::size_t dim = 0; dim <= 150; ++dim) {
        const Floats a = real_floats(dim), b = real_floats(dim, 3);
        std::array<double, 16> dots{}, distances{};
        for (std::size_t c = 0; c < dim; ++c) {
            const double x = a[c], y = b[c];
            dots[c % 16] += x * y;
            distances[c % 16] += (x - y) * (x - y);
        }
        agree(same(table.dot_f64(a.data(), b.data(), dim), folded(dots)), table, "dot_f64", {dim});
        std::vector<double> wide(dim + 15);
        std::copy(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(dim), wide.begin());
        const std::vector<const float*> vectors{b.data(), a.data(), b.data(), b.data(), a.data()};
        for (std::size_t count = 1; count <= vectors.size(); ++count) {
            std::vector<double> products(count);
            table.dots_f64(wide.data(), vectors.data(), count, nullptr, dim, products.data());
            for (std::size_t i = 0; i < count; ++i)
                agree(same(products[i], table.dot_f64(a.data(), vectors[i], dim)), table, "dots_f64",
                      {dim, count});
        }
        agree(same(table.squared_l2_f64(a.data(), b.data(), dim), folded(distances)), table, "squared_l2_f64",
              {dim});
    }
}

float half_value(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float sign = bits >> 15 ? -1.0f : 1.0f;
    if (exponent == 31) return fraction ? not_a_number : sign * infinity;
    return sign *
           std::ldexp(static_cast<float>(exponent ? fraction + 1024 : fraction), std::max(exponent, 1) - 25);
}

void test_widen(const Table& table) {
    std::vector<std::uint16_t> all(1 << 16);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
    for (std::size_t count = 0; count <= all.size(); count = count < 70 ? count + 1 : count * 3 + 1000) {
        const std::vector<std::uint16_t> from(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
        const auto codes = whole_bits<std::int8_t>(count);
        Floats half(count), bfloat(count), byte(count), halves(count), bfloats(count), bytes(count);
        for (std::size_t i = 0; i < count; ++i) {
            halves[i] = half_value(from[i]);
            bfloats[i] = std::bit_cast<float>(std::uint32_t{from[i]} << 16);
            bytes[i] = static_cast<float>(codes[i]) * 0.3f;
        }
        table.widen_half(from.data(), count, half.data());
        table.widen_bfloat(from.data(), count, bfloat.data());
        const Floats floats = real_floats(count);
        std::vector<double> doubles(count);
        table.widen_float(floats.data(), count, doubles.data());
        agree(std::equal(floats.begin(), floats.end(), doubles.begin()), table, "widen_float", {count});
        table.widen_int8(codes.data(), 0.3f, count, byte.data());
        agree(same(half, halves), table, "widen_half", {count});
        agree(same(bfloat, bfloats), table, "widen_bfloat", {count});
        agree(same(byte, bytes), table, "widen_int8", {count});
    }
}

void test_residuals(const Table& table) {
    for (std::size_t count = 0; count <= 100; ++count) {
        const Floats x0 = real_floats(count, 50), y0 = real_floats(count, 50);
        Floats x1 = x0, y1 = y0;
        for (float& x : x1) x += real_floats(1)[0];
        for (float& y : y1) y += real_floats(1)[0];
        // The last row lets w be positive, negative, and for some pairs 0.
        const hcbir::kernels::Model model = {1.01f,
                                             0.02f,
                                             0.1f,
                                             -0.01f,
                                             0.99f,
                                             0.2f,
                                             count % 3 ? 1e-4f : 0.02f,
                                             0,
                                             count % 10 == 9 ? 0.0f : 1.0f};
        std::array<float, 16> cost{};
        std::size_t num_inliers = 0;
        for (std::size_t j = 0; j < count; ++j) {
            const float w = model[6] * x0[j] + model[7] * y0[j] + model[8], inverse = 1 / w;
            const float dx = (model[0] * x0[j] + model[1] * y0[j] + model[2]) * inverse - x1[j];
            const float dy = (model[3] * x0[j] + model[4] * y0[j] + model[5]) * inverse - y1[j];
            const float squared = dx * dx + dy * dy;
            const bool inlier = w > 0 && squared < 4.0f;
            num_inliers += inlier;
            cost[j % 16] += inlier ? squared : 4.0f;
        }
        const hcbir::kernels::PairsF32 pairs{x0.data(), y0.data(), x1.data(), y1.data(), count};
        const float total = folded(cost);
        const auto found = table.residuals(model, pairs, 4.0f, INFINITY);
        agree(found.num_inliers == num_inliers && same(found.cost, total), table, "residuals", {count});
        const auto below = table.residuals(model, pairs, 4.0f, std::nextafter(total, INFINITY));
        agree(below.num_inliers == num_inliers && same(below.cost, total), table, "a cost below", {count});
        for (const float most : {total, total / 2}) {
            const auto dropped = table.residuals(model, pairs, 4.0f, most);
            agree(dropped.num_inliers == 0 && same(dropped.cost, most), table, "a cost not below", {count});
        }
    }
}

}  // namespace

int main() {
    at_every_level({test_dot_tile, test_fused_tiles, test_fused_rows, test_longest_half_blocks, test_dot_rows,
                    test_dot_strip, test_dots, test_norms_and_magnitudes, test_reflect_rows, test_rotate_row,
                    test_select, test_keep_scores, test_ranks, test_exact_scores, test_widen,
                    test_residuals});
}
