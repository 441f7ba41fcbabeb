// Mutual nearest neighbours of binary descriptors, from one pass over the distances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "bit_panels.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

/// Longest descriptors that can be compared, in bytes.
constexpr std::size_t max_descriptor_bytes = 8191;

/// Binary descriptors, to be compared with one set after another. They must outlive this.
class BitSet {
public:
    explicit BitSet(MatrixView<const std::uint8_t> descriptors);

    MatrixView<const std::uint8_t> descriptors;
    std::optional<BytePanels> bytes;  // of short ones
    std::optional<WordPanels> words;  // of others
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
    std::vector<BitNeighbour> forward;   // of set0
    std::vector<BitNeighbour> backward;  // of set1, without the second distance
};

/// Neither set may be empty.
BitNeighbours nearest_by_hamming(const BitSet& set0, MatrixView<const std::uint8_t> set1, Executor& executor);

}  // namespace hcbir
