#include "row_codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "byte_scan.hpp"

namespace hcbir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

void encode_rows(const ScanRows& set, std::size_t first, std::size_t count, const Rotation& rotation,
                 const kernels::ByteLimits& limits, std::uint8_t flip, AlignedBuffer<float>& rotated,
                 RowCodes& codes) {
    const auto& kernels = kernels::active();
    const std::size_t dim = set.rows.cols, width = codes.width, padded = ceil_div(count, width) * width;
    const bool cosine = set.metric == Metric::cosine;
    const DotError error(dim);
    // The rotation and each product, and for cosine the length and what was made of it.
    const double rounding = 4 * unit + 2 * rotation.rounding() + (cosine ? 2 * error.relative : 0);
    codes.dim = dim;
    const std::size_t panel_bytes = codes.panel_bytes();
    codes.codes.reserve(padded / width * panel_bytes);
    codes.scale.reserve(padded), codes.offset.reserve(padded);
    codes.residual.reserve(padded), codes.length.reserve(padded);
    codes.longest_residual = codes.longest_code = codes.longest = 0;
    if (count < padded)
        std::memset(codes.codes.data() + (padded / width - 1) * panel_bytes, flip, panel_bytes);
    for (std::size_t r = count; r < padded; ++r)
        codes.scale[r] = 0, codes.offset[r] = -std::numeric_limits<float>::infinity();
    for (std::size_t r = 0; r < count; ++r) {
        const auto row = rotation.apply({set.rows.row(first + r), 1, dim, set.rows.stride}, rotated);
        float largest, half_block, squared_code, squared_rest;
        kernels.largest_magnitudes(row.data, row.stride, 1, dim, &largest);
        kernels.longest_half_blocks(row.data, row.stride, 1, dim, &half_block);
        const float multiplier = byte_multiplier(largest, half_block, limits);
        kernels.quantize_rows(row.data, row.stride, 1, dim, &multiplier, flip,
                              codes.codes.data() + r / width * panel_bytes + 4 * (r % width), 4 * width,
                              &squared_code, &squared_rest);
        const double code = std::sqrt(squared_code) * (1 + error.relative),
                     rest = std::sqrt(squared_rest) * (1 + error.relative);
        const double squared = set.squared[first + r];
        const double times = cosine ? multiplier * std::sqrt(squared) : multiplier;
        double residual = (rest + rounding * (code + rest) + vanished) / times;
        double length = code / times;
        if (!(residual < 1e15 && length < 1e15)) residual = length = infinity;  // rows of zeros under cosine
        codes.scale[r] = static_cast<float>(1 / times);
        codes.offset[r] = set.metric == Metric::l2 ? -set.squared[first + r] / 2 : 0.0f;
        codes.residual[r] = residual, codes.length[r] = length;
        codes.longest_residual = std::max(codes.longest_residual, residual);
        codes.longest_code = std::max(codes.longest_code, length);
        codes.longest = std::max(codes.longest, length + residual);
    }
}

}  // namespace hcbir
