// Descriptors of any encoding as float.
#pragma once

#include <vector>

#include "hcbir/features.hpp"

namespace hcbir {

/// The descriptors themselves if they are float, else their values, written to `buffer`. Not for binary ones.
MatrixView<const float> decode(const DescriptorsView& descriptors, std::vector<float>& buffer);

}  // namespace hcbir
