#include "hcbir/packed_codes.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "nibble_layout.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t groups_ahead = 4;  // are fetched

std::size_t whole_groups(std::size_t rows) { return ceil_div(rows, PackedCodes::group) * PackedCodes::group; }

/// Byte b of code j of a group of codes of 4 bits.
std::size_t nibble_place(std::size_t code_size, std::size_t b, std::size_t j) {
    const std::size_t chunk = b / 32 * 32, n = nibble_steps(code_size - chunk) / 2;
    return chunk * PackedCodes::group + (j / 16 * n + b % 32 % n) * 64 + b % 32 / n * 16 + j % 16;
}

void pack_block(MatrixView<const std::uint8_t> codes, std::size_t pitch, std::uint8_t* columns) {
    for (std::size_t first = 0; first < pitch; first += PackedCodes::group)
        for (std::size_t b = 0; b < codes.cols; ++b) {
            std::uint8_t* column = columns + b * pitch;
            for (std::size_t i = first; i < first + PackedCodes::group; ++i)
                column[i] = i < codes.rows ? codes.row(i)[b] : std::uint8_t{0};
        }
}

void pack_group(MatrixView<const std::uint8_t> codes, std::uint8_t* group) {
    std::fill_n(group, PackedCodes::group * nibble_width(codes.cols), std::uint8_t{0});
    for (std::size_t b = 0; b < codes.cols; ++b)
        for (std::size_t j = 0; j < codes.rows; ++j) group[nibble_place(codes.cols, b, j)] = codes.row(j)[b];
}

}  // namespace

PackedCodes::PackedCodes(std::span<const std::uint8_t> data, std::size_t code_size, unsigned bits,
                         std::size_t rows)
    : data_(data.data()), code_size_(code_size), rows_(rows), bits_(bits) {
    require(data.size() == bytes(code_size, bits, rows), "packed codes",
            std::to_string(bytes(code_size, bits, rows)) + " bytes for " + std::to_string(rows) + " codes",
            std::to_string(data.size()));
}

std::size_t PackedCodes::bytes(std::size_t code_size, unsigned bits, std::size_t rows) {
    return whole_groups(rows) * (bits == 8 ? code_size : nibble_width(code_size));
}

std::size_t PackedCodes::pitch(std::size_t i) const {
    return std::min(block, whole_groups(rows_ - i / block * block));
}

const std::uint8_t* PackedCodes::nibbles(std::size_t i) const {
    return data_ + i / group * group * nibble_width(code_size_);
}

void PackedCodes::read(std::size_t i, std::uint8_t* code) const {
    if (bits_ == 8) {
        const std::uint8_t* from = column(i);
        const std::size_t step = pitch(i);
        for (std::size_t b = 0; b < code_size_; ++b) code[b] = from[b * step];
    } else {
        const std::uint8_t* from = nibbles(i) + i % 16;
        for (std::size_t chunk = 0; chunk < code_size_; chunk += 32) {
            const std::size_t n = nibble_steps(code_size_ - chunk) / 2;
            for (std::size_t b = chunk, l = 0; b < code_size_ && l < 4; ++l)
                for (std::size_t s = 0; b < code_size_ && s < n; ++s)
                    code[b++] = from[chunk * group + (i % group / 16 * n + s) * 64 + l * 16];
        }
    }
}

void PackedCodes::fetch(std::size_t i) const {
    const std::uint8_t* from = bits_ == 8 ? column(i) : nibbles(i);
    const std::size_t step = bits_ == 8 ? pitch(i) : group;
    for (std::size_t b = 0; b < code_size_; ++b) __builtin_prefetch(from + b * step);
}

void PackedCodes::unpack(std::size_t first, MatrixView<std::uint8_t> codes) const {
    for (std::size_t i = 0; i < codes.rows; ++i) read(first + i, codes.row(i));
}

MatrixView<const std::uint8_t> PackedCodes::rows_of(std::size_t first, std::size_t count,
                                                    std::uint8_t* rows) const {
    const std::size_t width = row_bytes(code_size_);
    if (bits_ == 4)
        for (std::size_t i = 0; i < count; ++i) read(first + i, rows + i * width);
    std::vector<const std::uint8_t*> columns(width);
    for (std::size_t i = 0; bits_ == 8 && i < count; i += group) {
        if (i + groups_ahead * group < count) fetch(first + i + groups_ahead * group);
        for (std::size_t b = 0; b < width; ++b)  // the last one stands for those that are missing
            columns[b] = column(first + i) + std::min(b, code_size_ - 1) * pitch(first + i);
        kernels::active().interleave_bytes(columns.data(), width, group, rows + i * width);
    }
    return {rows, count, code_size_, width};
}

void pack(MatrixView<const std::uint8_t> codes, unsigned bits, std::span<std::uint8_t> packed,
          Executor& executor) {
    const PackedCodes view(packed, codes.cols, bits, codes.rows);
    executor.parallel_for(ceil_div(codes.rows, PackedCodes::block), [&](std::size_t task, std::size_t) {
        const std::size_t first = task * PackedCodes::block;
        const auto part = [&](std::size_t from, std::size_t most) {
            return MatrixView<const std::uint8_t>{codes.row(from), std::min(most, codes.rows - from),
                                                  codes.cols, codes.stride};
        };
        const auto all = part(first, PackedCodes::block);
        if (bits == 8)
            return pack_block(all, view.pitch(first), packed.data() + (view.column(first) - packed.data()));
        for (std::size_t from = first; from < first + all.rows; from += PackedCodes::group)
            pack_group(part(from, PackedCodes::group), packed.data() + (view.nibbles(from) - packed.data()));
    });
}

}  // namespace hcbir
