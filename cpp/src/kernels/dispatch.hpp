// The kernels of the level in use. An operation reads the table once, at its start.
#pragma once

#include "kernels/abi.hpp"

namespace hcbir::kernels {

const Table& active();

}  // namespace hcbir::kernels
