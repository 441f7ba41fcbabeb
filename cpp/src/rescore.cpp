#include "rescore.hpp"

#include <algorithm>
#include <numeric>
#include <span>

namespace hcbir {
namespace {

constexpr std::size_t pairs_a_task = 256;
constexpr std::size_t cached_bytes = 8 << 20;  // of a database that stays in a cache

struct Pair {
    std::size_t row, query;
    std::size_t slot;  // of its score
};

/// Groups pairs by row, each row's in order, so that a row is read once for all queries that want it.
std::vector<Pair> by_row(const std::vector<Pair>& pairs, std::size_t num_rows) {
    std::vector<Pair> sorted(pairs);
    if (pairs.empty() || pairs.front().query == pairs.back().query) return sorted;  // no row twice
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

/// Scores rows, each against all queries of some pairs of it; one worker's.
class RowScorer {
public:
    RowScorer(const SearchProblem& problem, std::size_t base)
        : problem_(problem), base_(base), wide_((problem.queries.cols + 15) / 16 * 16) {}

    /// The scores that are reported, by slots.
    void score(std::span<const Pair> pairs, const float* next, float* scores) {
        const float* row = values(pairs[0].row);
        if (problem_.metric == Metric::l2) {
            for (const Pair& pair : pairs) scores[pair.slot] = problem_.score(base_ + pair.query, row);
            return;
        }
        const std::size_t dim = problem_.queries.cols;
        problem_.kernels.widen_float(row, dim, wide_.data());
        products_f64_.resize(pairs.size());
        gather(pairs);
        problem_.kernels.dots_f64(wide_.data(), queries_.data(), pairs.size(), next, dim,
                                  products_f64_.data());
        const double norm = problem_.metric == Metric::cosine ? problem_.norm(row) : 1;
        for (std::size_t i = 0; i < pairs.size(); ++i)
            scores[pairs[i].slot] = problem_.metric == Metric::dot
                                        ? static_cast<float>(products_f64_[i])
                                        : problem_.cosine(base_ + pairs[i].query, products_f64_[i], norm);
    }

    /// Bounds of the keys by float arithmetic, by slots.
    void bound(std::span<const Pair> pairs, const float* next, std::pair<float, float>* bounds) {
        const float* row = values(pairs[0].row);
        gather(pairs);
        queries_.push_back(row);  // whose product is its squared length
        products_.resize(queries_.size());
        problem_.kernels.dots(row, queries_.data(), products_.size(), next, problem_.queries.cols,
                              products_.data());
        const auto length = problem_.row_length(products_.back());
        for (std::size_t i = 0; i < pairs.size(); ++i)
            bounds[pairs[i].slot] = problem_.key_bounds(base_ + pairs[i].query, products_[i], length);
    }

private:
    const float* values(std::size_t row) { return problem_.rows.floats(row, 1, buffer_).data; }
    void gather(std::span<const Pair> pairs) {
        queries_.clear();
        for (const Pair& pair : pairs) queries_.push_back(problem_.queries.row(base_ + pair.query));
    }

    const SearchProblem& problem_;
    std::size_t base_;
    AlignedBuffer<float> buffer_;
    std::vector<double> wide_, products_f64_;
    std::vector<const float*> queries_;
    std::vector<float> products_;
};

/// visit(a worker's scorer, pairs of one row, the next row) for all pairs.
template <class Visit>
void visit_rows(const SearchProblem& problem, std::size_t base, const std::vector<Pair>& pairs,
                Executor& executor, Visit visit) {
    const auto sorted = by_row(pairs, problem.rows.size());
    std::vector<RowScorer> scorers;
    for (std::size_t w = 0; w < executor.size(); ++w) scorers.emplace_back(problem, base);
    executor.parallel_for(ceil_div(pairs.size(), pairs_a_task), [&](std::size_t task, std::size_t w) {
        const std::size_t last = std::min((task + 1) * pairs_a_task, sorted.size());
        for (std::size_t i = task * pairs_a_task, next = i; i < last; i = next) {
            while (next < last && sorted[next].row == sorted[i].row) ++next;
            const void* later = next < last ? problem.rows.start(sorted[next].row) : nullptr;
            visit(scorers[w], std::span(sorted).subspan(i, next - i), static_cast<const float*>(later));
        }
    });
}

/// What is left of one query.
struct Rest {
    Shortlist shortlist;
    TopK best;
    std::vector<Shortlist::Entry> wanted;  // to be scored next
};

/// Pairs of the rows that each(rest, add) adds, rest after rest; where those of each begin, and where the
/// last one's end, stands in `begins`.
template <class Each>
std::vector<Pair> gather_pairs(const std::vector<Rest>& rests, std::vector<std::size_t>& begins,
                               Executor& executor, Each each) {
    begins.assign(rests.size() + 1, 0);
    executor.parallel_for(rests.size(), [&](std::size_t q, std::size_t) {
        each(rests[q], [&](std::size_t) { ++begins[q + 1]; });
    });
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    std::vector<Pair> pairs(begins.back());
    executor.parallel_for(rests.size(), [&](std::size_t q, std::size_t) {
        std::size_t slot = begins[q];
        each(rests[q], [&](std::size_t row) { pairs[slot] = {row, q, slot}, ++slot; });
    });
    return pairs;
}

/// Scores what is wanted.
void score_wanted(const SearchProblem& problem, std::size_t base, std::vector<Rest>& rests,
                  Executor& executor) {
    std::vector<std::size_t> begins;
    const auto pairs = gather_pairs(rests, begins, executor, [](const Rest& rest, auto add) {
        for (const auto& entry : rest.wanted) add(entry.row());
    });
    std::vector<float> scores(pairs.size());
    visit_rows(problem, base, pairs, executor,
               [&](RowScorer& scorer, std::span<const Pair> of_row, const float* next) {
                   scorer.score(of_row, next, scores.data());
               });
    executor.parallel_for(rests.size(), [&](std::size_t q, std::size_t) {
        for (std::size_t i = begins[q]; i < begins[q + 1]; ++i)
            rests[q].best.push({scores[i], static_cast<std::int64_t>(pairs[i].row)});
    });
}

/// Looks at the entries of wide bounds in float.
void refine_entries(const SearchProblem& problem, std::size_t base, std::vector<Rest>& rests,
                    Executor& executor) {
    std::vector<std::size_t> begins;
    const auto pairs = gather_pairs(rests, begins, executor, [](const Rest& rest, auto add) {
        for (const auto& entry : rest.shortlist.entries())
            if (!entry.refined()) add(entry.row());
    });
    std::vector<std::pair<float, float>> bounds(pairs.size());
    visit_rows(problem, base, pairs, executor,
               [&](RowScorer& scorer, std::span<const Pair> of_row, const float* next) {
                   scorer.bound(of_row, next, bounds.data());
               });
    executor.parallel_for(rests.size(), [&](std::size_t q, std::size_t) {
        const auto* next = bounds.data() + begins[q];
        rests[q].shortlist.refine([&](std::uint64_t) { return *next++; });
    });
}

/// Before floats are read, bounds by more bits of the queries of a group; where that pays.
void tighten_entries(const FinerBounds& finer, std::size_t base, std::vector<Rest>& rests,
                     Executor& executor) {
    std::vector<Shortlist*> lists;
    for (Rest& rest : rests) lists.push_back(&rest.shortlist);
    finer.tighten(lists, base, executor);
}

/// Queries base + first .. base + first + count - 1, of the group that begins at base; guesses and unproved
/// are theirs. Of those whose guess is not reached, unproved[i] is set, and nothing else done.
/// `finer`, if any, of a whole group.
void rescore(const SearchProblem& problem, const std::vector<Candidates*>& workers, const FinerBounds* finer,
             const float* guesses, std::uint8_t* unproved, std::size_t base, std::size_t first,
             std::size_t count, MatrixView<float> scores, MatrixView<std::int64_t> indices,
             Executor& executor) {
    const std::size_t k = problem.k;
    std::vector<Rest> rests(count, Rest{Shortlist(k), TopK(k), {}});
    executor.parallel_for(count, [&](std::size_t i, std::size_t) {
        auto& [shortlist, best, wanted] = rests[i];
        for (Candidates* worker : workers) {
            shortlist.join(worker->shortlist(first + i));
            best.push(worker->scored(first + i));
            worker->forget(first + i);
        }
        wanted = shortlist.take_best(workers.front()->bar(first + i));
    });

    // The k most promising first: their scores are a better bar for the rest than bounds are.
    base += first;
    score_wanted(problem, base, rests, executor);
    const auto prune = [&](std::size_t i, std::size_t) {
        Shortlist::Scratch scratch;
        auto& [shortlist, best, wanted] = rests[i];
        if (best.full()) shortlist.prune(scratch, round_down(problem.lowest_key(base + i, best.bar())));
    };
    executor.parallel_for(count, prune);
    if (finer) {
        tighten_entries(*finer, base, rests, executor);
        executor.parallel_for(count, prune);
    }
    refine_entries(problem, base, rests, executor);
    executor.parallel_for(count, [&](std::size_t i, std::size_t w) {
        prune(i, w);
        rests[i].wanted.assign(rests[i].shortlist.entries().begin(), rests[i].shortlist.entries().end());
    });
    score_wanted(problem, base, rests, executor);

    executor.parallel_for(count, [&](std::size_t i, std::size_t) {
        auto& best = rests[i].best;
        unproved[i] = !best.full() || problem.lowest_key(base + i, best.bar()) < guesses[i];
        if (unproved[i]) return;
        const auto sorted = best.sorted();
        for (std::size_t c = 0; c < k; ++c) {
            scores.row(base + i)[c] = sorted[c].score;
            indices.row(base + i)[c] = problem.rows.index(static_cast<std::size_t>(sorted[c].index));
        }
    });
}

}  // namespace

std::vector<std::size_t> rescore_group(const SearchProblem& problem, const std::vector<Candidates*>& workers,
                                       const FinerBounds* finer, std::span<const float> guesses,
                                       std::size_t base, std::size_t count, MatrixView<float> scores,
                                       MatrixView<std::int64_t> indices, Executor& executor) {
    std::vector<std::uint8_t> unproved(count);
    // Where rows come from memory, each is read once for all queries that want it.
    if (count > 1 && problem.rows.size() * problem.queries.cols * sizeof(float) > cached_bytes) {
        rescore(problem, workers, finer, guesses.data(), unproved.data(), base, 0, count, scores, indices,
                executor);
    } else {
        executor.parallel_for(count, [&](std::size_t q, std::size_t) {
            SerialExecutor serial;
            rescore(problem, workers, nullptr, guesses.data() + q, unproved.data() + q, base, q, 1, scores,
                    indices, serial);
        });
    }
    std::vector<std::size_t> places;
    for (std::size_t q = 0; q < count; ++q)
        if (unproved[q]) places.push_back(q);
    return places;
}

}  // namespace hcbir
