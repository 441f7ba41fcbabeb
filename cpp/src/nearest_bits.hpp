// Mutual nearest neighbours of binary descriptors, from one pass over the distances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "aligned.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

/// Longest descriptors that can be compared, in bytes.
constexpr std::size_t max_descriptor_bytes = 8191;

/// Binary descriptors as panels for kernels::Table::nearest_bits, to be compared with one set after another.
class BitPanels {
public:
    explicit BitPanels(MatrixView<const std::uint8_t> descriptors);

    const kernels::Table& kernels;
    const std::size_t count, num_bytes, num_words;

    const std::uint32_t* panel(std::size_t p) const {
        return words_.data() + p * num_words * kernels.tile_rows;
    }

private:
    AlignedBuffer<std::uint32_t> words_;
};

/// The nearest descriptor of the other set, the first of equally near ones, and how far it and the next are.
struct BitNeighbour {
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    std::int64_t index = -1;
    std::uint32_t distance = none, second_distance = none;

    /// Adds a set in which `other` is the neighbour; its indices are larger than those met so far.
    void take(const BitNeighbour& other);
};

struct BitNeighbours {
    std::vector<BitNeighbour> forward;   // of the panels' descriptors
    std::vector<BitNeighbour> backward;  // of set1, without the second distance
};

/// Neither set may be empty.
BitNeighbours nearest_by_hamming(const BitPanels& set0, MatrixView<const std::uint8_t> set1,
                                 Executor& executor);

}  // namespace hcbir
