#include "rescore.hpp"

#include <algorithm>

namespace hcbir {
namespace {

constexpr std::size_t pairs_a_task = 256;

struct Pair {
    std::size_t row, query;
    std::size_t slot;  // of its score
};

/// Groups pairs by row, each row's in order, so that a row is read once for all queries that want it.
std::vector<Pair> by_row(const std::vector<Pair>& pairs, std::size_t num_rows) {
    std::vector<Pair> sorted(pairs);
    if (pairs.size() < num_rows / 8) {
        std::sort(sorted.begin(), sorted.end(), [](const Pair& a, const Pair& b) {
            return a.row < b.row || (a.row == b.row && a.slot < b.slot);
        });
        return sorted;
    }
    std::vector<std::size_t> place(num_rows + 1);
    for (const Pair& pair : pairs) ++place[pair.row + 1];
    for (std::size_t row = 0; row < num_rows; ++row) place[row + 1] += place[row];
    for (const Pair& pair : pairs) sorted[place[pair.row]++] = pair;
    return sorted;
}

/// visit(pair, its row's values) for all pairs.
template <class Visit>
void visit_pairs(const SearchProblem& problem, const std::vector<Pair>& pairs, Executor& executor,
                 Visit visit) {
    const auto sorted = by_row(pairs, problem.rows.size());
    std::vector<AlignedBuffer<float>> buffers(executor.size());
    executor.parallel_for(ceil_div(pairs.size(), pairs_a_task), [&](std::size_t task, std::size_t w) {
        const std::size_t first = task * pairs_a_task, last = std::min(first + pairs_a_task, sorted.size());
        const float* row = nullptr;
        for (std::size_t i = first; i < last; ++i) {
            if (i == first || sorted[i].row != sorted[i - 1].row)
                row = problem.rows.floats(sorted[i].row, 1, buffers[w]).data;
            visit(sorted[i], row);
        }
    });
}

/// Scores, for every query, the entries that `wanted` names, into its best.
template <class Wanted>
void score_entries(const SearchProblem& problem, std::size_t base, const std::vector<Shortlist>& shortlists,
                   std::vector<TopK>& best, Executor& executor, Wanted wanted) {
    std::vector<Pair> pairs;
    for (std::size_t q = 0; q < shortlists.size(); ++q)
        for (const auto& entry : wanted(q, shortlists[q].entries()))
            pairs.push_back({static_cast<std::size_t>(entry.row), q, pairs.size()});
    std::vector<float> scores(pairs.size());
    visit_pairs(problem, pairs, executor, [&](const Pair& pair, const float* row) {
        scores[pair.slot] = problem.score(base + pair.query, row);
    });
    for (const Pair& pair : pairs)
        best[pair.query].push({scores[pair.slot], static_cast<std::int64_t>(pair.row)});
}

/// Looks at the entries of wide bounds in float.
void refine_entries(const SearchProblem& problem, std::size_t base, std::vector<Shortlist>& shortlists,
                    Executor& executor) {
    std::vector<Pair> pairs;
    for (std::size_t q = 0; q < shortlists.size(); ++q)
        for (const auto& entry : shortlists[q].entries())
            if (!entry.refined) pairs.push_back({static_cast<std::size_t>(entry.row), q, pairs.size()});
    std::vector<std::pair<float, float>> bounds(pairs.size());
    visit_pairs(problem, pairs, executor, [&](const Pair& pair, const float* row) {
        bounds[pair.slot] = problem.key_bounds(base + pair.query, row);
    });
    auto next = bounds.begin();
    for (auto& shortlist : shortlists) shortlist.refine([&](std::int64_t) { return *next++; });
}

}  // namespace

void rescore_group(const SearchProblem& problem, const std::vector<Candidates*>& workers, std::size_t base,
                   std::size_t count, MatrixView<float> scores, MatrixView<std::int64_t> indices,
                   Executor& executor) {
    const std::size_t k = problem.k;
    std::vector<Shortlist> shortlists(count, Shortlist(k));
    std::vector<TopK> best(count, TopK(k));
    executor.parallel_for(count, [&](std::size_t q, std::size_t) {
        for (Candidates* worker : workers) {
            shortlists[q].add_all(worker->shortlist(q).entries());
            for (const Candidate& candidate : worker->scored(q).candidates()) best[q].push(candidate);
            worker->forget(q);
        }
        shortlists[q].prune(workers.front()->bar(q));
    });

    // The k most promising first: their scores are a better bar for the rest than bounds are.
    using Entries = std::span<const Shortlist::Entry>;
    score_entries(problem, base, shortlists, best, executor,
                  [&](std::size_t, Entries entries) { return entries.first(std::min(k, entries.size())); });
    const auto prune = [&](std::size_t q, std::size_t) {
        if (best[q].full()) shortlists[q].prune(round_down(problem.lowest_key(base + q, best[q].bar())));
    };
    for (auto& shortlist : shortlists) shortlist.drop_first(k);
    executor.parallel_for(count, prune);
    refine_entries(problem, base, shortlists, executor);
    executor.parallel_for(count, prune);
    score_entries(problem, base, shortlists, best, executor,
                  [](std::size_t, Entries entries) { return entries; });

    executor.parallel_for(count, [&](std::size_t q, std::size_t) {
        const auto sorted = best[q].sorted();
        for (std::size_t i = 0; i < k; ++i) {
            scores.row(base + q)[i] = sorted[i].score;
            indices.row(base + q)[i] = problem.rows.index(static_cast<std::size_t>(sorted[i].index));
        }
    });
}

}  // namespace hcbir
