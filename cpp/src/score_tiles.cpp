#include "score_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::byte_tile_queries;

constexpr std::size_t block_bytes = 1 << 17;  // of columns: a quarter of a second-level cache
constexpr std::size_t most_columns = 256, least_columns = 32;
constexpr double unit = 0x1p-24;   // half the spacing of floats next to 1
constexpr double vanished = 1e-5;  // in units of the codes, more than what underflow takes from a row
constexpr std::size_t bytes_columns = 128, bytes_dim = 48, bytes_most_dim = 8192;

std::size_t columns_of(std::size_t bytes_a_column) {
    const std::size_t columns = block_bytes / bytes_a_column / least_columns * least_columns;
    return std::clamp(columns, least_columns, most_columns);
}

}  // namespace

FloatTiles::FloatTiles(const ScanRows& set)
    : kernels_(kernels::active()),
      set_(set),
      error_(set),
      longest_(set.longest(0, set.rows.rows)),
      tiles_(ceil_div(set.rows.rows, tile_rows()) * tile_rows() * set.dim) {
    set.pack(0, set.rows.rows, tile_rows(), tiles_.data());
}

std::size_t FloatTiles::block_columns() const { return columns_of(sizeof(float) * set_.dim); }

double FloatTiles::load(const ScanRows& set1, ColumnBlock& block) const {
    const std::size_t padded = ceil_div(block.count, least_columns) * least_columns;
    block.floats.reserve(padded * set_.dim);
    set1.pack(block.first, block.count, kernels_.tile_rows, block.floats.data());
    const std::size_t filled = ceil_div(block.count, kernels_.tile_rows) * kernels_.tile_rows;
    std::fill_n(block.floats.data() + filled * set_.dim, (padded - filled) * set_.dim, 0.0f);
    return error_.bound(longest_, set1.longest(block.first, block.count));
}

void FloatTiles::scores(std::size_t tile, const ColumnBlock& block, float* scores, std::size_t stride) const {
    const std::size_t height = tile_rows(), width = kernels_.tile_rows;
    for (std::size_t j = 0; j < block.count; j += width)
        kernels_.dot_tile(tiles_.data() + tile * height * set_.dim, block.floats.data() + j * set_.dim,
                          set_.dim, false, scores + j, stride);
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
      quads_(ceil_div(set.rows.cols, 4)) {
    const std::size_t num_tiles = ceil_div(set.rows.rows, byte_tile_queries),
                      padded = num_tiles * byte_tile_queries;
    codes_.reserve(padded * 4 * quads_);
    std::memset(codes_.data(), 0, padded * 4 * quads_);
    start_.reserve(padded), scale_.reserve(padded), offset_.reserve(padded);
    block_start_.reserve(padded * 2 * block_starts_of(set.rows.cols));
    std::fill_n(scale_.data(), padded, 0.0f);
    std::fill_n(offset_.data(), padded, 0.0f);
    AlignedBuffer<float> rotated;
    for (std::size_t t = 0; t < num_tiles; ++t)
        encode(t, std::min(byte_tile_queries, set.rows.rows - t * byte_tile_queries), rotated);
}

void ByteTiles::encode(std::size_t tile, std::size_t count, AlignedBuffer<float>& rotated) {
    const std::size_t first = tile * byte_tile_queries, dim = set_.rows.cols;
    const auto rows = rotation_.apply({set_.rows.row(first), count, dim, set_.rows.stride}, rotated);
    std::int8_t* codes = codes_.data() + first * 4 * quads_;
    float largest[byte_tile_queries], half_blocks[byte_tile_queries], multipliers[byte_tile_queries],
        lengths[byte_tile_queries], residuals[byte_tile_queries];
    kernels_.largest_magnitudes(rows.data, rows.stride, count, dim, largest);
    kernels_.longest_half_blocks(rows.data, rows.stride, count, dim, half_blocks);
    for (std::size_t i = 0; i < count; ++i)
        multipliers[i] = byte_multiplier(largest[i], half_blocks[i], kernels_.byte_limits);
    kernels_.quantize_rows(rows.data, rows.stride, count, dim, multipliers, 0,
                           reinterpret_cast<std::uint8_t*>(codes), 4 * byte_tile_queries, lengths, residuals);
    for (std::size_t i = 0; i < count; ++i) {
        const double code = std::sqrt(lengths[i]) * (1 + error_.relative),
                     rest = std::sqrt(residuals[i]) * (1 + error_.relative);
        const double squared = set_.squared[first + i];
        double times = multipliers[i];  // what the code is of the row, or of the row over its length
        if (set_.metric == Metric::cosine) times *= std::sqrt(squared);
        // The rotation and each product, and for cosine the length and what was made of it.
        const double rounding =
            4 * unit + 2 * rotation_.rounding() + (set_.metric == Metric::cosine ? 2 * error_.relative : 0);
        const double residual = rest + rounding * (code + rest) + vanished;
        residual_ = std::max(residual_, residual / times);  // infinite or NaN for rows of zeros under cosine
        code_length_ = std::max(code_length_, code / times);
        length_ = std::max(length_, (code + residual) / times);
        if (!(residual / times < 1e15 && length_ < 1e15)) residual_ = std::numeric_limits<double>::infinity();
        scale_[first + i] = static_cast<float>(1 / times);
        if (set_.metric == Metric::l2) offset_[first + i] = -set_.squared[first + i] / 2;
    }
    std::int32_t no_tail[byte_tile_queries];
    float no_length[byte_tile_queries];
    write_starts(
        codes, quads_, quads_,
        {block_start_.data() + first * 2 * block_starts_of(dim), start_.data() + first, no_tail, no_length});
}

std::size_t ByteTiles::block_columns() const { return columns_of(4 * quads_); }

double ByteTiles::load(const ScanRows& set1, ColumnBlock& block) const {
    const std::size_t num_panels = ceil_div(block.count, byte_panel_rows);
    block.codes.reserve(num_panels * 4 * byte_panel_rows * quads_);
    block.panels.reserve(num_panels);
    block.offsets.reserve(num_panels * byte_panel_rows);
    std::fill_n(block.offsets.data(), num_panels * byte_panel_rows, 0.0f);
    RowCoder coder(set_.metric, set_.rows.cols);
    coder.encode({set1.rows.row(block.first), block.count, set1.rows.cols, set1.rows.stride},
                 block.codes.data(), block.panels.data(), block.offsets.data());
    double margin = 0;
    for (std::size_t p = 0; p < num_panels; ++p) {
        const kernels::BytePanel& panel = block.panels[p];
        const double length = panel.length / double{panel.multiplier},
                     residual = panel.residual / double{panel.multiplier};
        // Of the products; of the floats they become, and of the squared lengths for l2.
        const double rounding = set_.metric == Metric::l2 ? error_.relative + 32 * unit : 32 * unit;
        const double bound = residual_ * length + code_length_ * residual +
                             rounding * (length_ + length) * (length_ + length) + error_.underflow;
        if (!(bound < 1e30)) return std::numeric_limits<double>::infinity();
        margin = std::max(margin, bound);
    }
    return margin;
}

void ByteTiles::scores(std::size_t tile, const ColumnBlock& block, float* scores, std::size_t stride) const {
    const std::size_t first = tile * byte_tile_queries;
    const kernels::ByteTile queries{codes_.data() + first * 4 * quads_, start_.data() + first,
                                    block_start_.data() + first * 2 * block_starts_of(set_.rows.cols),
                                    scale_.data() + first, offset_.data() + first};
    for (std::size_t p = 0; p < ceil_div(block.count, byte_panel_rows); ++p)
        kernels_.byte_scores(queries, block.codes.data() + p * 4 * byte_panel_rows * quads_, quads_,
                             1 / block.panels[p].multiplier, block.offsets.data() + p * byte_panel_rows,
                             scores + p * byte_panel_rows, stride);
}

}  // namespace hcbir
