// Resizing of 8-bit images, to the same bits as Pillow.
#pragma once

#include <cstdint>

#include "hcbir/types.hpp"

namespace hcbir {

/// The rest of a source that a target shows: it begins at the source's first pixel and need not end with one.
struct ResizeBox {
    float width, height;
};

/// Bicubic resampling of pixels of four bytes, of which three count (Pillow's memory of RGB images), into
/// pixels of three bytes: target.cols is three times its width. When it shrinks, the cubic (a = -0.5) widens
/// with the step from one target pixel to the next. Weights are rounded to 22 binary digits; rows are
/// resampled first, then columns, each rounded to a byte; columns first where the height shrinks by more than
/// twice as many pixels as the width. Source: Pillow 13, src/libImaging/Resample.c.
///
/// Needs at least one pixel on either side, 0 < box.width <= source.cols and 0 < box.height <= source.rows.
void resize_bicubic(MatrixView<const std::uint32_t> source, ResizeBox box, MatrixView<std::uint8_t> target);

}  // namespace hcbir
