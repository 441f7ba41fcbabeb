// The ranks of a few images in the ranking that a row of scores implies, counted without making the ranking.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hcbir {

/// From 0, ascending, of the positives in the ranking by descending score (equal scores by ascending index)
/// that junk is taken out of; nothing if a score is NaN. Indices are within the row, which is at most 2^31
/// long. Memory is for the positives and junk alone.
std::optional<std::vector<std::int64_t>> count_ranks(std::span<const float> row,
                                                     std::span<const std::int64_t> positives,
                                                     std::span<const std::int64_t> junk);

}  // namespace hcbir
