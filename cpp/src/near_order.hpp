// An order of vectors in which those that follow one another lie close together.
#pragma once

#include <cstdint>
#include <vector>

#include "hcbir/types.hpp"

namespace hcbir {

/// The rows in runs of `run` and a shorter last one, so that those of a run, and of 2, 4, 8 ... runs from a
/// multiple of that number on, fill a small box: halved again and again at the median of the dimension in
/// which they extend farthest. A function of the rows alone.
std::vector<float> near_order(MatrixView<const float> rows, std::size_t run);

}  // namespace hcbir
