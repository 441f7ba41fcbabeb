// The rows that may be among the best, of every query of a group.
#pragma once

#include <vector>

#include "search_problem.hpp"
#include "shared_bars.hpp"
#include "shortlist.hpp"
#include "topk.hpp"

namespace hcbir {

/// What one worker keeps of a group of queries, from the rows that it scanned.
class Candidates {
public:
    Candidates(const SearchProblem& problem, std::size_t group, SharedBars& bars)
        : problem_(problem), bars_(bars), best_(group, Best{Shortlist(problem.k), TopK(problem.k)}) {}

    /// Queries are counted from here on. seen: a flag for each panel of rows, or null; rows of flagged panels
    /// are added by add_seen, and no more by add.
    void begin_group(std::size_t base, const std::uint8_t* seen) { base_ = base, seen_ = seen; }
    bool has_seen(std::size_t row) const { return seen_ && seen_[row / kernels::byte_panel_rows] != 0; }

    /// A row whose key is certainly below this cannot be among the best.
    float bar(std::size_t q) const { return bars_[q]; }

    /// Takes up a row whose key is in [lower, upper], which may be wider than float arithmetic needs unless
    /// `refined`. The bar may have risen if this returns true.
    bool add(std::size_t q, float lower, float upper, std::size_t row, bool refined) {
        return !has_seen(row) && add_seen(q, lower, upper, row, refined);
    }
    bool add_seen(std::size_t q, float lower, float upper, std::size_t row, bool refined) {
        if (!problem_.may_be_found(row)) return false;
        Shortlist& shortlist = best_[q].shortlist;
        shortlist.add({lower, upper, row, refined});
        if (!shortlist.full()) return false;
        shorten(q);
        bars_.raise(q, shortlist.bar());
        return true;
    }

    /// Rows of wide bounds that were looked at in float because the lists grew too long.
    std::size_t num_refined() const { return num_refined_; }

    Shortlist& shortlist(std::size_t q) { return best_[q].shortlist; }
    const Shortlist& shortlist(std::size_t q) const { return best_[q].shortlist; }
    const TopK& scored(std::size_t q) const { return best_[q].scored; }
    void forget(std::size_t q) { best_[q] = Best{Shortlist(problem_.k), TopK(problem_.k)}; }

private:
    struct Best {
        Shortlist shortlist;
        TopK scored;
    };

    const float* row(std::uint64_t row) { return problem_.rows.floats(row, 1, row_).data; }

    void shorten(std::size_t q) {
        auto& [shortlist, scored] = best_[q];
        shortlist.prune(scratch_, bars_[q]);
        if (!shortlist.too_long()) return;
        shortlist.refine([&](std::uint64_t r) {
            ++num_refined_;
            return problem_.key_bounds(base_ + q, row(r));
        });
        shortlist.prune(scratch_);
        if (!shortlist.too_long()) return;
        // Where bounds cannot keep the list short (many equal rows), its rows are scored and the best move
        // on.
        for (const auto& entry : shortlist.entries())
            scored.push(
                {problem_.score(base_ + q, row(entry.row())), static_cast<std::int64_t>(entry.row())});
        shortlist.clear_entries();
        if (scored.full()) bars_.raise(q, round_down(problem_.lowest_key(base_ + q, scored.bar())));
    }

    const SearchProblem& problem_;
    SharedBars& bars_;
    std::vector<Best> best_;
    AlignedBuffer<float> row_;
    Shortlist::Scratch scratch_;
    std::size_t base_ = 0, num_refined_ = 0;
    const std::uint8_t* seen_ = nullptr;
};

}  // namespace hcbir
