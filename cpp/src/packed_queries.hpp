// Queries packed for products with rows as they lie.
#pragma once

#include "aligned.hpp"
#include "hcbir/parallel.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {

class PackedQueries {
public:
    /// near: whether rows are thought to be in a cache.
    PackedQueries(const kernels::Table& kernels, bool near) : kernels_(kernels), near_(near) {}

    /// `queries` are read until others are packed.
    void pack(MatrixView<const float> queries, Executor& executor);

    /// scores[(i - first) * stride + j] = float product of query i, first <= i < last, and row j; norms[j] =
    /// its squared length, unless null. `first` and `last` are multiples of panel_queries, or `last` the end.
    void multiply(std::size_t first, std::size_t last, MatrixView<const float> rows, float* scores,
                  std::size_t stride, float* norms) const;

    static constexpr std::size_t panel_queries = 16;  // a multiple of every level's strip_queries

private:
    std::size_t narrow_width() const;

    const kernels::Table& kernels_;
    bool near_;
    MatrixView<const float> queries_{};
    AlignedBuffer<float> panels_;
};

}  // namespace hcbir
