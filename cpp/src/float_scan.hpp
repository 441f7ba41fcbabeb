// The scan in float: every row's key, to within the margin of its rounding.
#pragma once

#include "aligned.hpp"
#include "candidates.hpp"
#include "float_keys.hpp"
#include "packed_queries.hpp"

namespace hcbir {

/// One worker's.
class FloatScan {
public:
    explicit FloatScan(const SearchProblem& problem) : problem_(problem), keys_(problem) {}

    /// Queries first .. last - 1 of the group that begins at `base` and is packed; `first` is a multiple of
    /// PackedQueries::panel_queries.
    void scan(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first, std::size_t last,
              const PackedQueries& queries, Candidates& candidates);

private:
    /// A row whose float key is below cannot be among the best of a query.
    struct Threshold {
        float margin, key;
        Threshold(float margin_, float bar) : margin(margin_), key(difference_below(bar, margin_)) {}
    };
    void collect(std::size_t q, float* keys, std::size_t j, std::size_t count, Threshold& threshold,
                 Candidates& candidates);

    const SearchProblem& problem_;
    FloatKeys keys_;
    AlignedBuffer<float> floats_, scores_;
    AlignedBuffer<std::uint32_t> selected_;
    std::size_t first_row_ = 0;
};

}  // namespace hcbir
