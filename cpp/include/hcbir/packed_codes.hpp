// Codes of a product quantizer as a search reads them: prepared once, so that nothing is turned for a query.
#pragma once

#include <cstdint>
#include <span>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// A view of packed codes of 8 bits. They stand in blocks of `block` codes, column by column: the first byte
/// of each code, then the second, and so on. The last block's columns are as long as its codes in whole
/// groups of 64; what is missing is zero. Behind them stands their number, since codes of zeros look the
/// same as none. Where few columns tell which codes matter, no others are read, and
/// those that are come in long runs.
class PackedCodes {
public:
    static constexpr std::size_t group = 64;
    /// Not 256 groups: columns at multiples of 2^12 would compete in the cache.
    static constexpr std::size_t block = 255 * group;

    static constexpr std::size_t count_bytes = sizeof(std::uint64_t);

    /// Throws std::invalid_argument unless `data` is what pack() makes of so many codes of that size.
    PackedCodes(std::span<const std::uint8_t> data, std::size_t code_size, std::size_t rows);

    static std::size_t bytes(std::size_t code_size, std::size_t rows);

    std::size_t rows() const { return rows_; }
    std::size_t code_size() const { return code_size_; }

    /// Writes the codes from `first` on.
    void unpack(std::size_t first, MatrixView<std::uint8_t> codes) const;

    /// The same for `first` a multiple of a group: a view of row_bytes(code_size()) * count bytes, count in
    /// whole groups, that are written at `rows`.
    MatrixView<const std::uint8_t> rows_of(std::size_t first, std::size_t count, std::uint8_t* rows) const;
    static std::size_t row_bytes(std::size_t code_size) { return (code_size + 15) / 16 * 16; }

    /// Code i, code_size() bytes.
    void read(std::size_t i, std::uint8_t* code) const;
    /// Asks for code i, which is to be read soon, and with it for its group.
    void fetch(std::size_t i) const;

    /// Where byte 0 of code i stands, and how far the next byte.
    const std::uint8_t* column(std::size_t i) const {
        return data_ + i / block * block * code_size_ + i % block;
    }
    std::size_t pitch(std::size_t i) const;

private:
    const std::uint8_t* data_;
    std::size_t code_size_, rows_;
};

/// Packs codes (rows x code_size) into PackedCodes::bytes() bytes.
void pack(MatrixView<const std::uint8_t> codes, std::span<std::uint8_t> packed, Executor& executor);

}  // namespace hcbir
