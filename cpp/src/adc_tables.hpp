// Look-up tables: what every value of every byte of a code adds to a query's score (asymmetric distance
// computation, ADC).
#pragma once

#include <cstdint>

#include "aligned.hpp"
#include "hcbir/pq.hpp"

namespace hcbir {

constexpr std::size_t byte_values = 256;

/// A score: byte b of the code adds its entry to partial sum b % 4; (s0 + s1) + (s2 + s3), all in float.
inline float adc_score(const float* tables, const std::uint8_t* code, std::size_t code_size) {
    float sums[4] = {};
    std::size_t b = 0;
    for (; b + 4 <= code_size; b += 4)
        for (std::size_t s = 0; s < 4; ++s) sums[s] += tables[(b + s) * byte_values + code[b + s]];
    for (std::size_t s = 0; b < code_size; ++b, ++s) sums[s] += tables[b * byte_values + code[b]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// The tables of a group of queries.
class AdcTables {
public:
    /// metric: dot or l2.
    AdcTables(const ProductQuantizer& quantizer, Metric metric) : quantizer_(quantizer), metric_(metric) {}

    /// Takes the place of what was loaded before. The queries are of the quantizer's dimension, and finite.
    void load(MatrixView<const float> queries, Executor& executor);

    std::size_t code_size() const { return quantizer_.code_size(); }
    /// Of query q: code_size() x byte_values entries. For a byte that names two centroids an entry is the
    /// float sum of the dot products, or squared distances less than 0, of both.
    const float* floats(std::size_t q) const { return floats_.data() + q * code_size() * byte_values; }

private:
    void load_query(const float* query, float* tables) const;

    const ProductQuantizer& quantizer_;
    Metric metric_;
    AlignedBuffer<float> floats_;
};

}  // namespace hcbir
