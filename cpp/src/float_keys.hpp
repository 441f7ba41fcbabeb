// From float dot products to keys, and how far these may be off.
#pragma once

#include "aligned.hpp"
#include "search_problem.hpp"

namespace hcbir {

/// Of some rows at a time: float key = scale * (float dot product) + offset. docs/exact-search.md proves the
/// margins.
class FloatKeys {
public:
    explicit FloatKeys(const SearchProblem& problem) : problem_(problem) {}

    void reserve(std::size_t count);
    /// Where the rows' float sums of squares belong, before they are prepared.
    float* squared() { return squared_.data(); }
    /// False if some row is not fit for bounds: its key is infinite. Throws NonFinite.
    bool prepare(MatrixView<const float> rows);

    const float* scale() const { return scale_.data(); }
    const float* offset() const { return offset_.data(); }
    /// Bound of |float key - exact key|, for the rows that are fit.
    float margin(std::size_t query) const;

private:
    void prepare_each(MatrixView<const float> rows);

    const SearchProblem& problem_;
    AlignedBuffer<float> squared_, scale_, offset_;
    double max_norm_ = 0, max_scale_ = 0;  // of the rows that are fit
};

}  // namespace hcbir
