// Local features as they are held in memory; the caller owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "hcbir/types.hpp"

namespace hcbir {

class ProductQuantizer;

/// IEEE 754 binary16.
struct HalfDescriptors {
    MatrixView<const std::uint16_t> bits;
};

/// Row r stands for scales[r] * values.row(r), rounded to float.
struct Int8Descriptors {
    MatrixView<const std::int8_t> values;
    std::span<const float> scales;
};

/// Bits packed into bytes, compared by Hamming distance.
struct BinaryDescriptors {
    MatrixView<const std::uint8_t> bytes;
};

/// Row r stands for the centroids that it names.
struct PQDescriptors {
    MatrixView<const std::uint8_t> codes;
    const ProductQuantizer* quantizer;
};

/// One row a descriptor. What is not binary is compared as float: another encoding needs a case in decode().
using DescriptorsView =
    std::variant<MatrixView<const float>, HalfDescriptors, Int8Descriptors, PQDescriptors, BinaryDescriptors>;

std::size_t num_descriptors(const DescriptorsView& descriptors);

/// Number of values, or of bytes of binary ones.
std::size_t descriptor_length(const DescriptorsView& descriptors);

inline bool is_binary(const DescriptorsView& descriptors) {
    return std::holds_alternative<BinaryDescriptors>(descriptors);
}

/// An image's local features.
struct LocalFeaturesView {
    MatrixView<const float> keypoints;  // n x 2, pixels, x before y
    DescriptorsView descriptors;        // n
    /// As in FeatureFrames: n, or none.
    std::span<const float> scales, orientations;
};

}  // namespace hcbir
