#include "hcbir/error.hpp"

namespace hcbir {

void refuse(const char* name, const std::string& expected, const std::string& got) {
    throw std::invalid_argument(std::string(name) + " must be " + expected + ", got " + got);
}

void require(bool holds, const char* name, const std::string& expected, const std::string& got) {
    if (!holds) refuse(name, expected, got);
}

}  // namespace hcbir
