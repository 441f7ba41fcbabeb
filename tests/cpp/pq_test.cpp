// Product quantisation, made to run under sanitizers: random shapes, every level, several threads. A scan
// reads codes in vectors, so these end where their memory ends.
#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "cell_lists.hpp"
#include "check.hpp"
#include "found.hpp"
#include "hcbir/isa.hpp"
#include "hcbir/pq.hpp"
#include "hcbir/rerank.hpp"
#include "near_order.hpp"
#include "near_panels.hpp"
#include "random.hpp"

namespace {

using hcbir::MatrixView;

std::mt19937 engine(7);

std::size_t draw(int low, int high) {
    return static_cast<std::size_t>(std::uniform_int_distribution<int>(low, high)(engine));
}

std::vector<float> random_floats(std::size_t count) {
    std::normal_distribution<float> value;
    std::vector<float> values(count);
    for (float& x : values) x = value(engine);
    return values;
}

/// As reference.quantization.adc_scores has it.
float score(const hcbir::ProductQuantizer& pq, const float* query, const std::uint8_t* code, bool l2) {
    float sums[4] = {};
    for (std::size_t b = 0; b < pq.code_size(); ++b) {
        float entry = 0;
        for (std::size_t half = 0; half < (pq.bits() == 4 ? 2 : 1); ++half) {
            const std::size_t m = pq.bits() == 4 ? 2 * b + half : b;
            if (m >= pq.num_subquantizers()) break;
            const float* centroid = pq.centroid(m, pq.bits() == 4 ? code[b] >> 4 * half & 15 : code[b]);
            double part = 0;
            for (std::size_t d = 0; d < pq.sub_dim(); ++d) {
                const double q = query[m * pq.sub_dim() + d], c = centroid[d];
                part = l2 ? part - (q - c) * (q - c) : part + q * c;
            }
            entry = half ? entry + static_cast<float>(part) : static_cast<float>(part);
        }
        sums[b % 4] += entry;
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

Found brute_force(const hcbir::ProductQuantizer& pq, const std::vector<float>& queries,
                  MatrixView<const std::uint8_t> codes, std::size_t k, bool l2) {
    Found found;
    for (std::size_t q = 0; q < queries.size() / pq.dim(); ++q) {
        std::vector<std::pair<float, std::int64_t>> scored;
        for (std::size_t i = 0; i < codes.rows; ++i)
            scored.emplace_back(-score(pq, queries.data() + q * pq.dim(), codes.row(i), l2),
                                static_cast<std::int64_t>(i));
        found.add_best(std::move(scored), k);
    }
    return found;
}

void test_search() {
    for (int round = 0; round < 20; ++round) {
        const unsigned bits = round % 2 ? 4 : 8;
        const std::size_t num = draw(1, 40), sub_dim = draw(1, 6), n = draw(1, 300), q = draw(1, 80);
        const std::size_t k = 1 + draw(0, 1000) % n;
        const bool l2 = round % 4 < 2;
        const auto centroids = random_floats((num << bits) * sub_dim);
        const hcbir::ProductQuantizer pq({centroids.data(), num << bits, sub_dim}, num, bits);
        std::vector<std::uint8_t> memory(n * pq.code_size());
        for (auto& byte : memory) byte = static_cast<std::uint8_t>(engine());
        if (bits == 4 && num % 2)
            for (std::size_t i = 1; i <= n; ++i) memory[i * pq.code_size() - 1] &= 15;
        const MatrixView<const std::uint8_t> codes(memory.data(), n, pq.code_size());
        const auto queries = random_floats(q * pq.dim());
        const Found expected = brute_force(pq, queries, codes, k, l2);
        for (const auto& level : hcbir::available_isas()) {
            hcbir::use_isa(level);
            for (std::size_t threads : {1, 3}) {
                hcbir::PoolExecutor executor(threads);
                Found found{std::vector<float>(q * k), std::vector<std::int64_t>(q * k)};
                hcbir::search(pq, {queries.data(), q, pq.dim()}, codes, k,
                              {.metric = l2 ? hcbir::Metric::l2 : hcbir::Metric::dot},
                              {found.scores.data(), q, k}, {found.indices.data(), q, k}, executor);
                check(found == expected, "search of codes equals brute force");
            }
        }
    }
}

/// The sample that bars are guessed from holds most of the good codes, fewer than k: the guess is too high.
void test_misleading_sample() {
    const std::size_t run = 64, n = 1024 * run, k = 1000;
    const std::vector<float> centroids = random_floats(2 * 256);
    const hcbir::ProductQuantizer pq({centroids.data(), 2 * 256, 1}, 2, 8);
    const auto by_value = [&](std::size_t m, std::size_t c) { return pq.centroid(m, c)[0]; };
    std::uint8_t best[2] = {};
    for (std::size_t m = 0; m < 2; ++m)
        for (std::size_t c = 1; c < 256; ++c)
            if (by_value(m, c) > by_value(m, best[m])) best[m] = static_cast<std::uint8_t>(c);
    std::vector<std::uint8_t> memory(2 * n);
    for (auto& byte : memory) byte = static_cast<std::uint8_t>(engine());
    hcbir::CounterRandom random(0, n);
    for (std::size_t i = 0; i < 64; ++i) {
        const std::size_t row = (i * 16 + random.below(16)) * run;
        for (std::size_t j = row; j < row + 2; ++j) memory[2 * j] = best[0], memory[2 * j + 1] = best[1];
    }
    const MatrixView<const std::uint8_t> codes(memory.data(), n, 2);
    const std::vector<float> queries(2 * 6, 1.0f);
    const Found expected = brute_force(pq, queries, codes, k, false);
    hcbir::PoolExecutor executor(2);
    Found found{std::vector<float>(6 * k), std::vector<std::int64_t>(6 * k)};
    hcbir::search(pq, {queries.data(), 6, 2}, codes, k, {}, {found.scores.data(), 6, k},
                  {found.indices.data(), 6, k}, executor);
    check(found == expected, "a guess that too few codes reach costs nothing of the answer");
}

void test_train_and_encode() {
    const std::size_t n = 700, num = 3, sub_dim = 5, dim = num * sub_dim;
    const auto vectors = random_floats(n * dim);
    std::vector<float> first;
    std::vector<std::uint8_t> first_codes;
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        for (std::size_t threads : {1, 3}) {
            hcbir::PoolExecutor executor(threads);
            std::vector<float> centroids(num * 16 * sub_dim), decoded(n * dim), scores(n);
            hcbir::PQTrainOptions options{.num_subquantizers = num, .bits = 4, .num_iterations = 5};
            hcbir::train_pq({vectors.data(), n, dim}, options, {centroids.data(), num * 16, sub_dim},
                            executor);
            const hcbir::ProductQuantizer pq({centroids.data(), num * 16, sub_dim}, num, 4);
            std::vector<std::uint8_t> codes(n * pq.code_size());
            pq.encode({vectors.data(), n, dim}, {codes.data(), n, pq.code_size()}, executor);
            pq.decode({codes.data(), n, pq.code_size()}, {decoded.data(), n, dim}, executor);
            if (first.empty()) first = centroids, first_codes = codes;
            check(centroids == first && codes == first_codes, "training and encoding give the same bits");
            std::vector<std::int64_t> rows(n), candidates(n);
            for (std::size_t i = 0; i < n; ++i) candidates[i] = static_cast<std::int64_t>(i);
            hcbir::rerank({vectors.data(), 1, dim}, {.floats = {vectors.data(), n, dim}},
                          {candidates.data(), 1, n}, 1, hcbir::Metric::l2, {scores.data(), 1, 1},
                          {rows.data(), 1, 1}, executor);
            check(rows[0] == 0 && scores[0] == 0, "a vector is nearest to itself");
        }
    }
}

/// Vectors about clusters, some of them alike, and a few far from all others.
std::vector<float> clustered(std::size_t count, std::size_t dim) {
    std::vector<float> values = random_floats(count * dim);
    for (std::size_t i = 0; i < count * dim; ++i) {
        if (i / dim % 3 == 0) values[i] = std::round(values[i]);
        if (i / dim % 500 == 7) values[i] *= 30;
    }
    return values;
}

/// Those found by lists of cells, or by boxes of panels, are those found among all centroids.
void test_near_centroids() {
    constexpr std::size_t columns = hcbir::NearPanels::columns;
    const auto& kernels = hcbir::kernels::active();
    for (const std::size_t dim : {1, 2, 3, 4, 5, 8, 11})
        for (const std::size_t k : {64, 100, 256}) {
            const std::size_t n = draw(1, 3000);
            const auto vectors = clustered(n, dim);
            auto centroids = clustered(k, dim);
            std::copy_n(centroids.begin(), dim, centroids.end() - static_cast<std::ptrdiff_t>(dim));  // a tie
            hcbir::CentroidList all({centroids.data(), k, dim});
            hcbir::NearPanels panels({vectors.data(), n, dim}), again({vectors.data(), n, dim});
            std::vector<float> rests(panels.num_panels() * columns), all_rests(rests.size());
            std::vector<std::uint32_t> nearest(rests.size()), all_nearest(rests.size()), in_cells(n);
            for (std::size_t p = 0; p < panels.num_panels(); ++p)
                kernels.nearest_centroids(panels.panel(p), all.view(), all.numbers().data(), k, dim,
                                          all_rests.data() + p * columns, all_nearest.data() + p * columns);
            panels.find_nearest(all, rests.data(), nearest.data());
            const hcbir::CellLists cells(all);
            cells.find(panels.panel(0), n, in_cells.data());
            check(std::equal(in_cells.begin(), in_cells.end(), all_nearest.begin()),
                  "nearest of the cells' lists");
            check(std::equal(in_cells.begin(), in_cells.end(), nearest.begin()), "nearest of the boxes");
            check(
                std::equal(rests.begin(), rests.begin() + static_cast<std::ptrdiff_t>(n), all_rests.begin()),
                "the same rests");
            check(dim > 4 || k < 256 || cells.blocks_a_cell() < 16, "lists are short");

            std::vector<std::vector<float>> rows, ordered;
            std::vector<float> distances(panels.num_boxes()), from_groups(panels.num_groups());
            panels.group_distances(centroids.data(), from_groups.data());
            panels.box_distances(centroids.data(), 0, panels.num_boxes(), distances.data());
            bool in_boxes = true;
            for (std::size_t i = 0; i < n; ++i) {
                rows.emplace_back(vectors.begin() + static_cast<std::ptrdiff_t>(i * dim),
                                  vectors.begin() + static_cast<std::ptrdiff_t>((i + 1) * dim));
                float squared = 0;
                for (std::size_t d = 0; d < dim; ++d) {
                    rows[i][d] -= panels.mean()[d];
                    const float difference = panels.value(i, d) - centroids[d];
                    squared += difference * difference;
                }
                ordered.emplace_back();
                for (std::size_t d = 0; d < dim; ++d) ordered[i].push_back(panels.value(i, d));
                const std::size_t box = i / (hcbir::NearPanels::panels_a_box * columns);
                in_boxes &= squared * 1.0001f + 1e-5f >=
                            std::max(distances[box], from_groups[box / hcbir::NearPanels::boxes_a_group]);
            }
            std::sort(rows.begin(), rows.end()), std::sort(ordered.begin(), ordered.end());
            check(rows == ordered, "panels have all vectors");
            check(in_boxes, "no vector is nearer than its box");
        }
}

/// Whether some dimension tells rows first .. middle from middle .. end, and so on in both halves.
bool are_halved(const std::vector<float>& rows, std::size_t dim, std::size_t run, std::size_t first,
                std::size_t end) {
    if (end - first <= run) return true;
    std::size_t half = run;
    while (2 * half < end - first) half *= 2;
    const std::size_t middle = first + half;
    bool told = false;
    for (std::size_t d = 0; d < dim; ++d) {
        float before = rows[first * dim + d], after = rows[middle * dim + d];
        for (std::size_t i = first; i < middle; ++i) before = std::max(before, rows[i * dim + d]);
        for (std::size_t i = middle; i < end; ++i) after = std::min(after, rows[i * dim + d]);
        told |= before <= after;
    }
    return told && are_halved(rows, dim, run, first, middle) && are_halved(rows, dim, run, middle, end);
}

void test_near_order() {
    for (const std::size_t dim : {1, 3, 4})
        for (const std::size_t n : {1, 63, 64, 65, 200, 1000, 5000, 20000})
            for (const bool alike : {false, true}) {
                auto values = clustered(n, dim);
                if (alike)
                    std::fill(values.begin() + static_cast<std::ptrdiff_t>(n / 3 * dim), values.end(), 2.0f);
                if (n == 5000) std::sort(values.begin(), values.end());
                auto ordered = hcbir::near_order({values.data(), n, dim}, 64);
                check(are_halved(ordered, dim, 64, 0, n), "vectors are halved by a dimension");
                std::vector<std::vector<float>> before, after;
                for (std::size_t i = 0; i < n * dim; i += dim) {
                    before.emplace_back(&values[i], &values[i] + dim);
                    after.emplace_back(&ordered[i], &ordered[i] + dim);
                }
                std::sort(before.begin(), before.end()), std::sort(after.begin(), after.end());
                check(before == after, "the order has all vectors");
            }
}

}  // namespace

int main() {
    test_near_order();
    test_near_centroids();
    test_search();
    test_misleading_sample();
    test_train_and_encode();
}
