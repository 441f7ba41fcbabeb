// The scan in float: every row's key, to within the margin of its rounding.
#pragma once

#include "aligned.hpp"
#include "candidates.hpp"

namespace hcbir {

/// One worker's. docs/exact-search.md proves the margins.
class FloatScan {
public:
    explicit FloatScan(const SearchProblem& problem) : problem_(problem) {}

    /// Queries first .. last - 1 of the group that begins at `base`, row by row: for few queries.
    void scan_rows(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                   std::size_t last, Candidates& candidates);

    /// The same by tiles; `first` is a multiple of tile_queries and `panels` holds the group's queries.
    void scan_tiles(std::size_t first_row, std::size_t count, std::size_t base, std::size_t first,
                    std::size_t last, const float* panels, Candidates& candidates);

private:
    void prepare_keys(MatrixView<const float> rows);
    void prepare_each_key(MatrixView<const float> rows);
    float margin(std::size_t query) const;
    /// A row whose float key is below cannot be among the best of a query.
    struct Threshold {
        float margin, key;
        Threshold(float margin_, float bar) : margin(margin_), key(difference_below(bar, margin_)) {}
    };
    void collect(std::size_t q, const float* scores, std::size_t j, std::size_t count, Threshold& threshold,
                 Candidates& candidates);

    const SearchProblem& problem_;
    AlignedBuffer<float> floats_, panels_, scores_;
    AlignedBuffer<float> squared_, scale_, offset_;  // float key = scale * (float dot product) + offset
    AlignedBuffer<std::uint32_t> selected_;
    std::vector<Threshold> thresholds_;  // of a tile's queries
    std::size_t first_row_ = 0;
    double max_norm_ = 0, max_scale_ = 0;  // of the rows that are not always selected
};

}  // namespace hcbir
