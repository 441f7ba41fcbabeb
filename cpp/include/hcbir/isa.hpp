// Instruction levels: every kernel is compiled once for each, and one level serves all calls of a process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hcbir {

/// Levels that this build has and this CPU can run, weakest first: "baseline", then "avx2", "avx512",
/// "avx512icl" (with VNNI, VBMI and VPOPCNTDQ).
std::vector<std::string> available_isas();

/// The level in use: the best available, unless HCBIR_ISA or use_isa chose another.
/// Throws std::invalid_argument if HCBIR_ISA names a level that is not available.
std::string isa();

/// Chooses the level of all calls that start from now on; throws std::invalid_argument if it is not
/// available.
void use_isa(std::string_view name);

}  // namespace hcbir
