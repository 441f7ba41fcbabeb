#include "hcbir/packed_codes.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t groups_ahead = 4;  // are fetched

std::size_t whole_groups(std::size_t rows) { return ceil_div(rows, PackedCodes::group) * PackedCodes::group; }

void pack_block(MatrixView<const std::uint8_t> codes, std::size_t pitch, std::uint8_t* columns) {
    for (std::size_t first = 0; first < pitch; first += PackedCodes::group)
        for (std::size_t b = 0; b < codes.cols; ++b) {
            std::uint8_t* column = columns + b * pitch;
            for (std::size_t i = first; i < first + PackedCodes::group; ++i)
                column[i] = i < codes.rows ? codes.row(i)[b] : std::uint8_t{0};
        }
}

}  // namespace

PackedCodes::PackedCodes(std::span<const std::uint8_t> data, std::size_t code_size, std::size_t rows)
    : data_(data.data()), code_size_(code_size), rows_(rows) {
    // By divisions, since products of what a file says might overflow.
    const std::size_t size = data.size() - std::min(data.size(), count_bytes);
    const bool fits = code_size > 0 && rows <= size && size % code_size == 0 &&
                      size / code_size == whole_groups(rows) && data.size() >= count_bytes;
    const std::string expected =
        "what was packed of " + std::to_string(rows) + " codes of " + std::to_string(code_size) + " bytes";
    require(fits, "packed codes", expected, std::to_string(data.size()) + " bytes");
    std::uint64_t counted = 0;
    std::memcpy(&counted, data.data() + size, count_bytes);
    require(counted == rows, "packed codes", expected, "those of " + std::to_string(counted) + " codes");
}

std::size_t PackedCodes::bytes(std::size_t code_size, std::size_t rows) {
    return whole_groups(rows) * code_size + count_bytes;
}

std::size_t PackedCodes::pitch(std::size_t i) const {
    return std::min(block, whole_groups(rows_ - i / block * block));
}

void PackedCodes::read(std::size_t i, std::uint8_t* code) const {
    const std::uint8_t* from = column(i);
    const std::size_t step = pitch(i);
    for (std::size_t b = 0; b < code_size_; ++b) code[b] = from[b * step];
}

void PackedCodes::fetch(std::size_t i) const {
    const std::uint8_t* from = column(i);
    const std::size_t step = pitch(i);
    for (std::size_t b = 0; b < code_size_; ++b) __builtin_prefetch(from + b * step);
}

void PackedCodes::unpack(std::size_t first, MatrixView<std::uint8_t> codes) const {
    for (std::size_t i = 0; i < codes.rows; ++i) read(first + i, codes.row(i));
}

MatrixView<const std::uint8_t> PackedCodes::rows_of(std::size_t first, std::size_t count,
                                                    std::uint8_t* rows) const {
    const std::size_t width = row_bytes(code_size_);
    std::vector<const std::uint8_t*> columns(width);
    for (std::size_t i = 0; i < count; i += group) {
        if (i + groups_ahead * group < count) fetch(first + i + groups_ahead * group);
        for (std::size_t b = 0; b < width; ++b)  // the last one stands for those that are missing
            columns[b] = column(first + i) + std::min(b, code_size_ - 1) * pitch(first + i);
        kernels::active().interleave_bytes(columns.data(), width, group, rows + i * width);
    }
    return {rows, count, code_size_, width};
}

void pack(MatrixView<const std::uint8_t> codes, std::span<std::uint8_t> packed, Executor& executor) {
    require(packed.size() == PackedCodes::bytes(codes.cols, codes.rows), "packed",
            std::to_string(PackedCodes::bytes(codes.cols, codes.rows)) + " bytes",
            std::to_string(packed.size()));
    const std::uint64_t count = codes.rows;
    std::memcpy(packed.data() + packed.size() - PackedCodes::count_bytes, &count, PackedCodes::count_bytes);
    const PackedCodes view(packed, codes.cols, codes.rows);
    executor.parallel_for(ceil_div(codes.rows, PackedCodes::block), [&](std::size_t task, std::size_t) {
        const std::size_t first = task * PackedCodes::block;
        const MatrixView<const std::uint8_t> some{
            codes.row(first), std::min(PackedCodes::block, codes.rows - first), codes.cols, codes.stride};
        pack_block(some, view.pitch(first), packed.data() + (view.column(first) - packed.data()));
    });
}

}  // namespace hcbir
