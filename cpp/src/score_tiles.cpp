#include "score_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "byte_scan.hpp"

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::byte_tile_queries;

constexpr std::size_t float_block = 1 << 17,
                      byte_block = 1 << 18;  // bytes of columns in a second-level cache
constexpr std::size_t most_columns = 256, least_columns = 32;
// Of scores and errors as they are added and compared, and of the scores that are reported.
constexpr double roundings = 8;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t bytes_columns = 128, bytes_dim = 48, bytes_most_dim = 8192;

std::size_t columns_of(std::size_t block, std::size_t bytes_a_column) {
    const std::size_t columns = block / bytes_a_column / least_columns * least_columns;
    return std::clamp(columns, least_columns, most_columns);
}

}  // namespace

FloatTiles::FloatTiles(const ScanRows& set)
    : kernels_(kernels::active()),
      set_(set),
      error_(set),
      tiles_(ceil_div(set.rows.rows, tile_rows()) * tile_rows() * set.dim) {
    set.pack(0, set.rows.rows, tile_rows(), tiles_.data());
}

std::size_t FloatTiles::block_columns() const { return columns_of(float_block, sizeof(float) * set_.dim); }

bool FloatTiles::load(const ScanRows& set1, ColumnBlock& block) const {
    const std::size_t padded = ceil_div(block.count, least_columns) * least_columns;
    block.floats.reserve(padded * set_.dim);
    set1.pack(block.first, block.count, kernels_.tile_rows, block.floats.data());
    block.row_spreads.reserve(set_.rows.rows), block.column_spreads.reserve(padded);
    std::fill_n(block.column_spreads.data(), padded, 0.0f);
    const double longest = set1.longest(block.first, block.count);
    for (std::size_t i = 0; i < set_.rows.rows; ++i) {
        const double error =
            error_.bound(set_.lengths[i], longest) + roundings * unit * set_.lengths[i] * longest;
        if (!std::isfinite(block.row_spreads[i] = 2 * round_up(error))) return false;
    }
    return true;
}

void FloatTiles::scores(std::size_t tile, const ColumnBlock& block, float* lowest, std::size_t stride) const {
    const std::size_t height = tile_rows(), width = kernels_.tile_rows, first = tile * height;
    const std::size_t padded = ceil_div(block.count, least_columns) * least_columns;
    alignas(64) float square[12 * 32];
    for (std::size_t j = 0; j < block.count; j += width) {
        kernels_.dot_tile(tiles_.data() + first * set_.dim, block.floats.data() + j * set_.dim, set_.dim,
                          false, square, width);
        for (std::size_t i = 0; i < std::min(height, set_.rows.rows - first); ++i)
            for (std::size_t l = 0; l < width; ++l)
                lowest[i * stride + j + l] = square[i * width + l] - block.row_spreads[first + i] / 2;
    }
    for (std::size_t i = 0; i < height; ++i)
        std::fill(lowest + i * stride + block.count, lowest + i * stride + padded, -infinity);
}

bool ByteTiles::pay(std::size_t rows0, std::size_t rows1, std::size_t dim) {
    return kernels::active().bytes_pay && dim >= bytes_dim && dim <= bytes_most_dim &&
           std::min(rows0, rows1) >= bytes_columns;
}

ByteTiles::ByteTiles(const ScanRows& set)
    : kernels_(kernels::active()),
      set_(set),
      error_(set.rows.cols),
      rotation_(set.rows.cols),
      quads_(ceil_div(set.rows.cols, 4)),
      codes_(byte_tile_queries) {
    const std::size_t num_tiles = ceil_div(set.rows.rows, byte_tile_queries);
    AlignedBuffer<float> rotated;
    encode_rows(set, 0, set.rows.rows, rotation_, kernels_.byte_limits, 0, rotated, codes_);
    start_.reserve(num_tiles * byte_tile_queries);
    block_start_.reserve(num_tiles * byte_tile_queries * 2 * block_starts_of(set.rows.cols));
    for (std::size_t t = 0; t < num_tiles; ++t) {
        std::int32_t no_tail[byte_tile_queries];
        float no_length[byte_tile_queries];
        write_starts(reinterpret_cast<const std::int8_t*>(codes_.codes.data()) + t * codes_.panel_bytes(),
                     quads_, quads_,
                     {block_start_.data() + t * byte_tile_queries * 2 * block_starts_of(set.rows.cols),
                      start_.data() + t * byte_tile_queries, no_tail, no_length});
    }
}

std::size_t ByteTiles::block_columns() const { return columns_of(byte_block, 4 * quads_); }

bool ByteTiles::load(const ScanRows& set1, ColumnBlock& block) const {
    RowCodes& codes = block.codes;
    const float half_block = std::max(kernels::max_row_half_block, kernels_.byte_limits.half_block);
    encode_rows(set1, block.first, block.count, rotation_, {127, half_block}, 128, block.rotated, codes);
    const std::size_t num_rows = set_.rows.rows, num_columns = block.count,
                      padded = ceil_div(num_columns, byte_panel_rows) * byte_panel_rows;
    block.row_spreads.reserve(num_rows + byte_tile_queries),
        block.row_offsets.reserve(num_rows + byte_tile_queries);
    block.column_spreads.reserve(padded), block.column_offsets.reserve(padded);
    // Of the products; of the floats they become, and of the squared lengths for l2.
    const double rounding = (set_.metric == Metric::l2 ? error_.relative : 0) + (32 + roundings) * unit;
    for (std::size_t i = 0; i < num_rows; ++i) {
        const double length = codes_.length[i] + codes_.residual[i] + codes.longest;
        const double error =
            codes_.residual[i] * codes.longest + rounding * length * length + error_.underflow;
        if (!(error < 1e30)) return false;
        block.row_spreads[i] = 2 * round_up(error);
        block.row_offsets[i] = codes_.offset[i] - block.row_spreads[i] / 2;
    }
    for (std::size_t j = 0; j < num_columns; ++j) {
        const double error = codes_.longest_code * codes.residual[j];
        if (!(error < 1e30)) return false;
        block.column_spreads[j] = 2 * round_up(error);
        block.column_offsets[j] = codes.offset[j] - block.column_spreads[j] / 2;
    }
    std::fill(block.row_offsets.data() + num_rows, block.row_offsets.data() + num_rows + byte_tile_queries,
              0.0f);
    std::fill(block.column_spreads.data() + num_columns, block.column_spreads.data() + padded, 0.0f);
    std::fill(block.column_offsets.data() + num_columns, block.column_offsets.data() + padded, -infinity);
    return true;
}

void ByteTiles::scores(std::size_t tile, const ColumnBlock& block, float* lowest, std::size_t stride) const {
    const std::size_t first = tile * byte_tile_queries;
    const kernels::ByteTile rows{
        reinterpret_cast<const std::int8_t*>(codes_.codes.data()) + tile * codes_.panel_bytes(),
        start_.data() + first, block_start_.data() + first * 2 * block_starts_of(set_.rows.cols),
        codes_.scale.data() + first, block.row_offsets.data() + first};
    for (std::size_t j = 0; j < block.count; j += byte_panel_rows)
        kernels_.byte_scores(rows, block.codes.codes.data() + j / byte_panel_rows * block.codes.panel_bytes(),
                             quads_, block.codes.scale.data() + j, block.column_offsets.data() + j,
                             lowest + j, stride);
}

}  // namespace hcbir
