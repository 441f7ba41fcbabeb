#pragma once

namespace hcbir {

/// The version of the library that is linked, "major.minor.patch".
const char* version();

}  // namespace hcbir
