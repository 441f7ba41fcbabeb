// Binary descriptors as panels of columns, and how rows are compared with one: by words, or, short ones, by
// tables. Columns that fill the last panel repeat the last descriptor, so they are never the first of the
// nearest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "hcbir/types.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

/// Rows as a kernel takes them, and its memory.
struct BitRows {
    std::size_t count = 0;
    std::vector<std::uint8_t> bytes, distances;
};

/// For kernels::Table::nearest_bits.
class WordPanels {
public:
    static constexpr std::uint32_t largest_distance = 0xffff;

    explicit WordPanels(MatrixView<const std::uint8_t> descriptors);

    std::size_t width() const { return kernels_.tile_rows; }
    std::size_t row_lanes() const { return kernels_.row_lanes; }
    void take(MatrixView<const std::uint8_t> rows, BitRows& taken) const;
    void compare(std::size_t panel, std::uint32_t column, BitRows& rows, std::uint32_t row,
                 kernels::NearestBits by_column, std::uint32_t* by_row) const;

private:
    const kernels::Table& kernels_;
    std::size_t num_words_;
    AlignedBuffer<std::uint32_t> words_;
};

/// For kernels::Table::nearest_short_bits.
class BytePanels {
public:
    static constexpr std::size_t longest = 64;  // bytes of a descriptor
    static constexpr std::uint32_t largest_distance = 254;

    explicit BytePanels(MatrixView<const std::uint8_t> descriptors);

    std::size_t width() const { return kernels::bit_columns; }
    std::size_t row_lanes() const { return 1; }
    void take(MatrixView<const std::uint8_t> rows, BitRows& taken) const;
    void compare(std::size_t panel, std::uint32_t column, BitRows& rows, std::uint32_t row,
                 kernels::NearestBits by_column, std::uint32_t* by_row) const;

private:
    const kernels::Table& kernels_;
    std::size_t num_chunks_;
    AlignedBuffer<std::uint8_t> bytes_;
};

}  // namespace hcbir
