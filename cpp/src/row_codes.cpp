#include "row_codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "byte_scan.hpp"

namespace hcbir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t most_rows = 32, cached_floats = 4096;  // that are coded at once, in the first cache
constexpr float unlimited = 1e30f;

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
    const auto take = [&](std::size_t r, double multiplier, double squared_code, double squared_rest) {
        const double code = std::sqrt(squared_code) * (1 + error.relative),
                     rest = std::sqrt(squared_rest) * (1 + error.relative);
        const double squared = set.squared[first + r];
        const double scale = 1 / (cosine ? multiplier * std::sqrt(squared) : multiplier);
        double residual = (rest + rounding * (code + rest) + vanished) * scale;
        double length = code * scale;
        if (!(residual < 1e15 && length < 1e15)) residual = length = infinity;  // rows of zeros under cosine
        codes.scale[r] = static_cast<float>(scale);
        codes.offset[r] = set.metric == Metric::l2 ? -set.squared[first + r] / 2 : 0.0f;
        codes.residual[r] = residual, codes.length[r] = length;
        codes.longest_residual = std::max(codes.longest_residual, residual);
        codes.longest_code = std::max(codes.longest_code, length);
        codes.longest = std::max(codes.longest, length + residual);
    };
    const std::size_t step = std::clamp<std::size_t>(cached_floats / dim / 4 * 4, 4, most_rows);
    float largest[most_rows], half_blocks[most_rows] = {}, multipliers[most_rows];
    float squared_codes[most_rows], squared_rests[most_rows];
    for (std::size_t begin = 0, end; begin < count; begin = end) {
        end = std::min({begin + step, ceil_div(begin + 1, width) * width, count});  // rows of one panel
        const std::size_t some = end - begin;
        const auto rows = rotation.apply({set.rows.row(first + begin), some, dim, set.rows.stride}, rotated);
        kernels.largest_magnitudes(rows.data, rows.stride, some, dim, largest);
        if (limits.half_block < unlimited)
            kernels.longest_half_blocks(rows.data, rows.stride, some, dim, half_blocks);
        for (std::size_t i = 0; i < some; ++i)
            multipliers[i] = byte_multiplier(largest[i], half_blocks[i], limits);
        kernels.quantize_rows(rows.data, rows.stride, some, dim, multipliers, flip,
                              codes.codes.data() + begin / width * panel_bytes + 4 * (begin % width),
                              4 * width, squared_codes, squared_rests);
        for (std::size_t i = 0; i < some; ++i)
            take(begin + i, multipliers[i], squared_codes[i], squared_rests[i]);
    }
}

}  // namespace hcbir
