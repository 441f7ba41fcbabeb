// One-to-one matching of two images' local descriptors.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "hcbir/parallel.hpp"
#include "hcbir/search.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

struct MatchOptions {
    /// Keep a pair only if each is the other's nearest neighbour.
    bool cross_check = true;
    /// Keep a pair only if its distance is strictly below this: Euclidean for float descriptors, number of
    /// different bits for binary ones.
    double max_distance = std::numeric_limits<double>::infinity();
    /// Keep a pair only if its distance is strictly below this times the distance to the second neighbour in
    /// set 1 (Lowe 2004); a lone neighbour passes. From 0 (nothing passes) to 1; infinity means no test.
    double max_ratio = std::numeric_limits<double>::infinity();
};

struct Match {
    std::int32_t index0, index1;
    float score;  // the metric's score; minus the Hamming distance for binary descriptors
};

/// Nearest neighbours of float descriptors, ascending by index0; ties go to the smaller index.
std::vector<Match> match(MatrixView<const float> descriptors0, MatrixView<const float> descriptors1,
                         Metric metric, const MatchOptions& options, Executor& executor);

/// Nearest neighbours of binary descriptors (bits packed into bytes) by Hamming distance.
std::vector<Match> match(MatrixView<const std::uint8_t> descriptors0,
                         MatrixView<const std::uint8_t> descriptors1, const MatchOptions& options,
                         Executor& executor);

}  // namespace hcbir
