// How codes of 4 bits are turned (kernels::nibble_group).
#pragma once

#include <cstddef>

namespace hcbir {

/// The steps of a chunk, of which `left` bytes or more are a code's.
inline std::size_t nibble_steps(std::size_t left) { return left > 16 ? 16 : left > 8 ? 8 : 4; }

/// A code's bytes, the last chunk filled up.
inline std::size_t nibble_width(std::size_t code_size) {
    return code_size / 32 * 32 + (code_size % 32 ? 2 * nibble_steps(code_size % 32) : 0);
}

}  // namespace hcbir
