// From float dot products to keys, and how far these may be off.
#pragma once

#include "aligned.hpp"
#include "search_problem.hpp"

namespace hcbir {

/// Of some rows at a time: float key = scale * (float dot product) + offset, or the product itself.
/// docs/exact-search.md proves the margins.
class FloatKeys {
public:
    explicit FloatKeys(const SearchProblem& problem) : problem_(problem) {}

    void reserve(std::size_t count) { squared_.reserve(count); }
    /// Where the rows' float sums of squares belong, before they are prepared.
    float* squared() { return squared_.data(); }
    /// False if some row is not fit for bounds: its key is infinite. Throws NonFinite.
    bool prepare(MatrixView<const float> rows);

    /// Turns products with `count` of the rows, from row j on, into keys.
    void from_products(float* products, std::size_t j, std::size_t count) const;
    /// Bound of |float key - exact key|, for the rows that are fit.
    float margin(std::size_t query) const;

private:
    void prepare_each(MatrixView<const float> rows);

    const SearchProblem& problem_;
    AlignedBuffer<float> squared_, scale_, offset_;
    bool are_products_ = false;
    double max_norm_ = 0, max_scale_ = 0;  // of the rows that are fit
};

}  // namespace hcbir
