// What is known of keys before rows are looked at in float: what four more bits of the queries say of them,
// against keys in double, over rows of lengths that leave blocks and groups of columns unfilled, with
// principal axes and without; and what a sample of the rows adds to the candidates. At every level, for every
// metric.
#include "finer_bounds.hpp"

#include <cmath>

#include "kernels.hpp"
#include "row_sample.hpp"

namespace {

using namespace hcbir;

constexpr std::size_t num_queries = 14, num_rows = 70;  // two tiles, three panels

/// The key of search_problem.hpp.
double key_of(Metric metric, const float* q, const float* x, std::size_t dim) {
    double dot = 0, squared = 0;
    for (std::size_t c = 0; c < dim; ++c) dot += double{q[c]} * x[c], squared += double{x[c]} * x[c];
    return metric == Metric::dot      ? dot
           : metric == Metric::cosine ? dot / std::sqrt(squared)
                                      : dot - squared / 2;
}

void test_bounds(const Table& table, Metric metric, std::size_t dim, std::size_t num_axes, int tail_shift) {
    const Floats queries = real_floats(num_queries * dim);
    Floats rows = real_floats(num_rows * dim), reflectors(num_axes * dim);
    for (std::size_t i = 0; i < num_axes; ++i) reflectors[i * dim + i] = 1;
    for (std::size_t c = 0; c < dim && num_axes > 0; ++c)  // as the shift expects
        for (std::size_t r = 0; r < num_rows && c >= num_axes; ++r)
            rows[r * dim + c] = std::ldexp(rows[r * dim + c], -tail_shift);
    const Database database(rows.data(), num_rows, dim);
    const PrincipalAxes axes{{reflectors.data(), num_axes, dim}, tail_shift};
    SerialExecutor executor;
    const std::size_t panels = byte_codes_rows(num_rows), width = byte_codes_cols(dim);
    std::vector<std::uint8_t> bytes(panels * width);
    Floats bounds(panels * 5), offsets(metric == Metric::l2 ? num_rows : 0);
    quantize(database, metric, axes, {bytes.data(), panels, width}, {bounds.data(), panels, 5}, offsets,
             executor);
    const ByteCodes codes{{bytes.data(), panels, width}, {bounds.data(), panels, 5}, offsets, axes};

    const Rows all(database);
    const SearchProblem problem({queries.data(), num_queries, dim}, all, {}, 1, metric, executor);
    QueryCodes query_codes(problem, axes, 24, true);
    query_codes.load(0, num_queries, executor);
    ByteScan scan(problem, 24, query_codes);
    std::vector<Shortlist> lists(num_queries, Shortlist(1));
    for (std::size_t first = 0; first < num_rows; first += kernels::byte_panel_rows)
        for (std::size_t q = 0; q < num_queries; q += kernels::byte_tile_queries) {
            const std::size_t count = std::min(kernels::byte_panel_rows, num_rows - first),
                              height = std::min(kernels::byte_tile_queries, num_queries - q);
            Floats keys(kernels::byte_tile_queries * 32), margins(kernels::byte_tile_queries);
            scan.score_panel(coded_rows(codes, dim, first, count), 0, q, height, keys.data(), 32,
                             margins.data(), 1);
            for (std::size_t i = 0; i < height; ++i)
                for (std::size_t j = 0; j < count; ++j) {
                    const float key = keys[i * 32 + j], wide = margins[i] * 1.00001f;
                    const bool unknown = first + j == 5, refined = first + j == 6;
                    lists[q + i].add({unknown ? -infinity : key - wide, unknown ? infinity : key + wide,
                                      first + j, refined});
                }
        }
    const std::vector<Shortlist> before = lists;
    std::vector<Shortlist*> pointers;
    for (Shortlist& list : lists) pointers.push_back(&list);
    FinerBounds(problem, codes, query_codes).tighten(pointers, 0, executor);
    double widths[2] = {}, errors[2] = {};  // before and after
    for (std::size_t q = 0; q < num_queries; ++q)
        for (std::size_t i = 0; i < num_rows; ++i) {
            const auto &old = before[q].entries()[i], &now = lists[q].entries()[i];
            const double key = key_of(metric, &queries[q * dim], &rows[now.row() * dim], dim);
            agree(now.lower <= key && key <= now.upper, table, "finer bounds", {dim, num_axes, q, i});
            agree(now.refined() == old.refined() && now.row() == old.row(), table, "finer bounds: rows",
                  {dim, q, i});
            if (i == 5 || i == 6) {
                agree(now.lower == old.lower && now.upper == old.upper, table, "finer bounds: left",
                      {dim, q});
                continue;
            }
            const auto add = [&](const Shortlist::Entry& entry, int n) {
                widths[n] += double{entry.upper} - entry.lower;
                errors[n] += std::pow((double{entry.lower} + entry.upper) / 2 - key, 2);
            };
            add(old, 0), add(now, 1);
        }
    agree(widths[1] < 0.8 * widths[0], table, "finer bounds: width", {dim, num_axes});
    agree(errors[1] < 0.9 * errors[0], table, "finer bounds: estimates", {dim, num_axes});
}

void test_all_bounds(const Table& table) {
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::l2})
        for (const std::size_t dim : {16, 61, 70, 130, 257, 520, 1100}) {
            test_bounds(table, metric, dim, 0, 0);
            if (dim < 64) continue;
            test_bounds(table, metric, dim, 16, 0);
            test_bounds(table, metric, dim, 32, 2);
        }
}

/// What a sample adds to the candidates: of its panels every row that may reach the guessed bar, once, within
/// its bounds; and add() leaves those rows alone.
void test_sample(const Table& table) {
    constexpr std::size_t n = 3000, dim = 40, k = 20;
    const Floats queries = real_floats(num_queries * dim), rows = real_floats(n * dim);
    std::vector<std::uint8_t> allowed(n, 1);
    for (std::size_t i = 0; i < n; i += 7) allowed[i] = 0;
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::l2}) {
        SerialExecutor executor;
        const Rows all(Database(rows.data(), n, dim));
        const SearchProblem problem({queries.data(), num_queries, dim}, all, allowed, k, metric, executor);
        QueryCodes codes(problem, {}, 24);
        codes.load(0, num_queries, executor);
        SharedBars bars(24);
        Candidates candidates(problem, 24, bars);
        ByteScan scan(problem, 24, codes);
        const RowSample sample(problem, nullptr, executor);
        candidates.begin_group(0, sample.flags());
        float guesses[num_queries];
        sample.guess(0, num_queries, {{&scan, &candidates}}, guesses, executor);
        std::size_t num_sampled = 0, num_found = 0;
        for (std::size_t q = 0; q < num_queries; ++q) {
            std::vector<int> found(n);
            for (const auto& entry : candidates.shortlist(q).entries()) {
                const double key = key_of(metric, &queries[q * dim], &rows[entry.row() * dim], dim);
                agree(entry.lower <= key && key <= entry.upper, table, "sample: bounds", {q, entry.row()});
                ++found[entry.row()];
            }
            const float bar = std::max(guesses[q], bars[q]);
            for (std::size_t i = 0; i < n; ++i) {
                const bool wanted = sample.flags()[i / 32] && allowed[i] &&
                                    key_of(metric, &queries[q * dim], &rows[i * dim], dim) >= double{bar};
                agree(found[i] <= (sample.flags()[i / 32] && allowed[i]) && found[i] >= wanted, table,
                      "sample: rows", {q, i});
                num_sampled += sample.flags()[i / 32] && allowed[i], num_found += found[i] > 0;
                if (!sample.flags()[i / 32]) continue;
                const std::size_t before = candidates.shortlist(q).entries().size();
                candidates.add(q, 1e9f, 1e9f, i, false);
                agree(candidates.shortlist(q).entries().size() == before, table, "sample: added twice",
                      {q, i});
            }
        }
        agree(num_found > 0 && 2 * num_found < num_sampled, table, "sample: few are kept", {num_found});
    }
}

}  // namespace

int main() { at_every_level({test_all_bounds, test_sample}); }
