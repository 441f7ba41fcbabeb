// Views of memory that the caller owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hcbir {

/// A row-major matrix: element (r, c) stands at data[r * stride + c], stride >= cols (in elements).
template <class T>
struct MatrixView {
    T* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t stride = 0;

    MatrixView() = default;
    MatrixView(T* data_, std::size_t rows_, std::size_t cols_, std::size_t stride_)
        : data(data_), rows(rows_), cols(cols_), stride(stride_) {}
    MatrixView(T* data_, std::size_t rows_, std::size_t cols_) : MatrixView(data_, rows_, cols_, cols_) {}

    T* row(std::size_t r) const { return data + r * stride; }
    std::span<T> row_span(std::size_t r) const { return {row(r), cols}; }
};

/// Lists of different lengths, one after another: list i is values[offsets[i] .. offsets[i + 1]).
template <class T>
struct RaggedView {
    std::span<const T> values;
    std::span<const std::int64_t> offsets;  // size() + 1 entries, ascending from 0

    std::size_t size() const { return offsets.empty() ? 0 : offsets.size() - 1; }
    std::span<const T> operator[](std::size_t i) const {
        const auto first = static_cast<std::size_t>(offsets[i]);
        return values.subspan(first, static_cast<std::size_t>(offsets[i + 1]) - first);
    }
};

}  // namespace hcbir
