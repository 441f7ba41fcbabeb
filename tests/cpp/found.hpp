// Rankings in C++ tests, and the plain loop's end that they are held against.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

struct Found {
    std::vector<float> scores;
    std::vector<std::int64_t> indices;
    bool operator==(const Found&) const = default;

    /// The k best of a query's (negated score, index).
    void add_best(std::vector<std::pair<float, std::int64_t>> scored, std::size_t k) {
        std::sort(scored.begin(), scored.end());
        for (std::size_t i = 0; i < k; ++i) {
            scores.push_back(-scored[i].first);
            indices.push_back(scored[i].second);
        }
    }
};
