// Scores of one set's rows, tile by tile, with blocks of another's: by floats or by bytes.
#pragma once

#include <vector>

#include "byte_scan.hpp"
#include "scan_rows.hpp"

namespace hcbir {

/// Columns of scores, being rows of the second set, made ready by one worker.
struct ColumnBlock {
    std::size_t first, count;
    AlignedBuffer<float> floats, offsets;
    AlignedBuffer<std::uint8_t> codes;
    AlignedBuffer<kernels::BytePanel> panels;
};

/// A set's rows, made ready for scores with one set after another. A score stands for the metric's score, or
/// half of it for l2.
class ScoreTiles {
public:
    virtual ~ScoreTiles() = default;
    virtual std::size_t tile_rows() const = 0;
    /// Number of columns of a block, a multiple of 32.
    virtual std::size_t block_columns() const = 0;

    /// Makes rows of set1 ready; returns how far a score may be off, at most (infinite: anything).
    virtual double load(const ScanRows& set1, ColumnBlock& block) const = 0;
    /// scores[i * stride + j] of all rows of a tile and all columns of a block, padded to 32.
    virtual void scores(std::size_t tile, const ColumnBlock& block, float* scores,
                        std::size_t stride) const = 0;
};

class FloatTiles final : public ScoreTiles {
public:
    explicit FloatTiles(const ScanRows& set);

    std::size_t tile_rows() const override { return kernels_.tile_queries; }
    std::size_t block_columns() const override;
    double load(const ScanRows& set1, ColumnBlock& block) const override;
    void scores(std::size_t tile, const ColumnBlock& block, float* scores, std::size_t stride) const override;

private:
    const kernels::Table& kernels_;
    const ScanRows& set_;
    ScanError error_;
    double longest_;
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
    double load(const ScanRows& set1, ColumnBlock& block) const override;
    void scores(std::size_t tile, const ColumnBlock& block, float* scores, std::size_t stride) const override;

private:
    void encode(std::size_t tile, std::size_t count, AlignedBuffer<float>& rotated);

    const kernels::Table& kernels_;
    const ScanRows& set_;
    DotError error_;
    Rotation rotation_;
    std::size_t quads_;
    double length_ = 0, code_length_ = 0, residual_ = 0;  // the longest of a row, its code and its rest
    AlignedBuffer<std::int8_t> codes_;
    AlignedBuffer<std::int32_t> start_;
    AlignedBuffer<std::int16_t> block_start_;
    AlignedBuffer<float> scale_, offset_;
};

}  // namespace hcbir
