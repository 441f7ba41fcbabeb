#include "bit_panels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "panels.hpp"

namespace hcbir {

WordPanels::WordPanels(MatrixView<const std::uint8_t> descriptors)
    : kernels_(kernels::active()),
      num_words_(ceil_div(descriptors.cols, 4)),
      words_(ceil_div(descriptors.rows, width()) * width() * num_words_) {
    for (std::size_t r = 0; r < ceil_div(descriptors.rows, width()) * width(); ++r) {
        const std::uint8_t* bytes = descriptors.row(std::min(r, descriptors.rows - 1));
        std::uint32_t* column = words_.data() + r / width() * num_words_ * width() + r % width();
        for (std::size_t w = 0; w < num_words_; ++w) {
            std::uint32_t& word = column[w * width()] = 0;
            std::memcpy(&word, bytes + 4 * w, std::min<std::size_t>(4, descriptors.cols - 4 * w));
        }
    }
}

void WordPanels::take(MatrixView<const std::uint8_t> rows, BitRows& taken) const {
    taken.count = rows.rows;
    taken.bytes.assign(rows.rows * num_words_ * 4, 0);
    for (std::size_t r = 0; r < rows.rows; ++r)
        std::copy_n(rows.row(r), rows.cols, taken.bytes.data() + r * num_words_ * 4);
}

void WordPanels::compare(std::size_t panel, std::uint32_t column, BitRows& rows, std::uint32_t row,
                         kernels::NearestBits by_column, std::uint32_t* by_row) const {
    std::array<std::uint32_t, 64> columns;
    std::iota(columns.begin(), columns.end(), column);
    kernels_.nearest_bits(words_.data() + panel * num_words_ * width(), columns.data(), rows.bytes.data(),
                          4 * num_words_, rows.count, num_words_, row, by_column, by_row);
}

BytePanels::BytePanels(MatrixView<const std::uint8_t> descriptors)
    : kernels_(kernels::active()),
      num_chunks_(ceil_div(descriptors.cols, kernels::bit_chunk)),
      bytes_(ceil_div(descriptors.rows, width()) * width() * num_chunks_ * kernels::bit_chunk) {
    const std::size_t padded_rows = ceil_div(descriptors.rows, width()) * width(),
                      padded_cols = num_chunks_ * kernels::bit_chunk;
    for (std::size_t r = 0; r < padded_rows; ++r) {
        const std::uint8_t* bytes = descriptors.row(std::min(r, descriptors.rows - 1));
        std::uint8_t* column = bytes_.data() + r / width() * padded_cols * width() + r % width();
        for (std::size_t b = 0; b < padded_cols; ++b)
            column[b * width()] = b < descriptors.cols ? bytes[b] : std::uint8_t{0};
    }
}

void BytePanels::take(MatrixView<const std::uint8_t> rows, BitRows& taken) const {
    constexpr std::size_t chunk = kernels::bit_chunk;
    taken.count = rows.rows;
    taken.distances.resize(rows.rows * width());
    taken.bytes.resize(rows.rows * num_chunks_ * 2 * chunk);
    std::uint8_t* halves = taken.bytes.data();
    for (std::size_t r = 0; r < rows.rows; ++r)
        for (std::size_t begin = 0; begin < num_chunks_ * chunk; begin += chunk, halves += 2 * chunk) {
            std::array<std::uint8_t, chunk> bytes{};
            std::copy_n(rows.row(r) + begin, std::min(chunk, rows.cols - begin), bytes.data());
            for (std::size_t b = 0; b < chunk; ++b) {
                halves[b] = static_cast<std::uint8_t>(bytes[b] << 4);
                halves[chunk + b] = bytes[b] & 0xf0;
            }
        }
}

void BytePanels::compare(std::size_t panel, std::uint32_t column, BitRows& rows, std::uint32_t row,
                         kernels::NearestBits by_column, std::uint32_t* by_row) const {
    kernels_.nearest_short_bits(bytes_.data() + panel * num_chunks_ * kernels::bit_chunk * width(), column,
                                rows.bytes.data(), rows.count, num_chunks_, row, rows.distances.data(),
                                by_column, by_row);
}

}  // namespace hcbir
