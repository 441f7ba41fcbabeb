// Errors: std::invalid_argument for a bad argument, FormatError for a bad file, Interrupted for a stopped
// call.
#pragma once

#include <stdexcept>
#include <string>

namespace hcbir {

/// A file that is not what it should be.
struct FormatError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The stop callback of an Executor asked to stop; the outputs of the call are unspecified.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};

/// Throws std::invalid_argument("`name` must be `expected`, got `got`"). For checks of short calls, where
/// making the texts would take a good part of the time.
[[noreturn]] void refuse(const char* name, const std::string& expected, const std::string& got);

/// The same unless `holds`.
void require(bool holds, const char* name, const std::string& expected, const std::string& got);

}  // namespace hcbir
