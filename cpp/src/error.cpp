#include "hcbir/error.hpp"

namespace hcbir {

void require(bool holds, const char* name, const std::string& expected, const std::string& got) {
    if (!holds) throw std::invalid_argument(std::string(name) + " must be " + expected + ", got " + got);
}

}  // namespace hcbir
