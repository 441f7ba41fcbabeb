#include "hcbir/version.hpp"

namespace hcbir {

const char* version() { return HCBIR_VERSION; }

}  // namespace hcbir
