// Scores of one set's rows, tile by tile, with blocks of another's: by floats or by bytes.
#pragma once

#include "row_codes.hpp"
#include "scan_rows.hpp"

namespace hcbir {

/// Columns of scores, being rows of the second set, made ready by one worker. A score is known to
/// within the spreads of its row and its column together.
struct ColumnBlock {
    std::size_t first = 0, count = 0;
    AlignedBuffer<float> row_spreads, column_spreads;
    AlignedBuffer<float> floats, row_offsets, column_offsets, rotated;
    RowCodes codes{kernels::byte_panel_rows};
};

/// A set's rows, made ready for scores with one set after another. A score stands for the metric's score, or
/// half of it for l2.
class ScoreTiles {
public:
    virtual ~ScoreTiles() = default;
    virtual std::size_t tile_rows() const = 0;
    /// Number of columns of a block, a multiple of 32.
    virtual std::size_t block_columns() const = 0;

    /// Makes rows of set1 ready. Returns whether it is known how far scores may be off.
    virtual bool load(const ScanRows& set1, ColumnBlock& block) const = 0;
    /// lowest[i * stride + j] = what the score is at least, of all rows of a tile and all columns of a block.
    /// Columns are padded to 32, with scores of minus infinity.
    virtual void scores(std::size_t tile, const ColumnBlock& block, float* lowest,
                        std::size_t stride) const = 0;
};

class FloatTiles final : public ScoreTiles {
public:
    explicit FloatTiles(const ScanRows& set);

    std::size_t tile_rows() const override { return kernels_.tile_queries; }
    std::size_t block_columns() const override;
    bool load(const ScanRows& set1, ColumnBlock& block) const override;
    void scores(std::size_t tile, const ColumnBlock& block, float* lowest, std::size_t stride) const override;

private:
    const kernels::Table& kernels_;
    const ScanRows& set_;
    ScanError error_;
    AlignedBuffer<float> tiles_;
};

/// Rows rotated and rounded to bytes: docs/exact-search.md.
class ByteTiles final : public ScoreTiles {
public:
    explicit ByteTiles(const ScanRows& set);

    /// Whether bytes can be expected to be faster than floats.
    static bool pay(std::size_t rows0, std::size_t rows1, std::size_t dim);

    std::size_t tile_rows() const override { return kernels::byte_tile_queries; }
    std::size_t block_columns() const override;
    bool load(const ScanRows& set1, ColumnBlock& block) const override;
    void scores(std::size_t tile, const ColumnBlock& block, float* lowest, std::size_t stride) const override;

private:
    const kernels::Table& kernels_;
    const ScanRows& set_;
    DotError error_;
    Rotation rotation_;
    std::size_t quads_;
    RowCodes codes_;
    AlignedBuffer<std::int32_t> start_;
    AlignedBuffer<std::int16_t> block_start_;
};

}  // namespace hcbir
