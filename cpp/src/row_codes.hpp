// Rows rounded to bytes, each by a step of its own, for scores with those of another set:
// docs/exact-search.md.
#pragma once

#include <cstdint>

#include "aligned.hpp"
#include "kernels/dispatch.hpp"
#include "rotation.hpp"
#include "scan_rows.hpp"

namespace hcbir {

/// Panels of rows for byte_scores. With |row| the length of a row, or 1 under cosine.
struct RowCodes {
    explicit RowCodes(std::size_t width_) : width(width_) {}

    std::size_t width;  // rows of a panel
    std::size_t dim = 0;
    AlignedBuffer<std::uint8_t> codes;
    AlignedBuffer<float> scale;      // of the row: code * scale is nearly the rotated row
    AlignedBuffer<float> offset;     // -|row|^2 / 2 for l2, else 0; minus infinity of what fills a panel
    AlignedBuffer<double> residual;  // bounds of lengths: of what rounding took from the row
    AlignedBuffer<double> length;    // of code * scale
    double longest_residual = 0, longest_code = 0, longest = 0;  // of all rows; the last of rows themselves

    std::size_t panel_bytes() const { return (dim + 3) / 4 * 4 * width; }
};

/// Makes codes of rows first .. first + count - 1, xor `flip`; `rotated` is memory. Lengths are infinite, and
/// codes mean nothing, where a row cannot be rounded.
void encode_rows(const ScanRows& set, std::size_t first, std::size_t count, const Rotation& rotation,
                 const kernels::ByteLimits& limits, std::uint8_t flip, AlignedBuffer<float>& rotated,
                 RowCodes& codes);

}  // namespace hcbir
