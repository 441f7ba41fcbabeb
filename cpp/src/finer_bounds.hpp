// Between the scan in bytes and floats: rows that were left meet four more bits of each query.
#pragma once

#include <vector>

#include "byte_scan.hpp"
#include "shortlist.hpp"

namespace hcbir {

/// Whether it may pay to keep what the codes of so many queries leave of them.
bool finer_bounds_may_pay(std::size_t num_queries, const SearchProblem& problem);

class FinerBounds {
public:
    FinerBounds(const SearchProblem& problem, const ByteCodes& codes, const QueryCodes& queries)
        : problem_(problem), codes_(codes), queries_(queries) {}

    /// Tightens the bounds of what is not refined, of queries 0, 1 ... of the group that begins at `base`;
    /// nothing where reading floats at once takes less time.
    void tighten(const std::vector<Shortlist*>& lists, std::size_t base, Executor& executor) const;

private:
    class PairsByRow;
    class PanelScorer;
    void tighten_list(Shortlist& list, std::size_t base, std::size_t q, const std::int32_t* products) const;

    const SearchProblem& problem_;
    const ByteCodes& codes_;
    const QueryCodes& queries_;
};

}  // namespace hcbir
