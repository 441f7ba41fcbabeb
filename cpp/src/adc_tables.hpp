// Look-up tables: what every value of every byte of a code adds to a query's score (asymmetric distance
// computation, ADC); in floats, which make the scores, and in bytes, which bound them from above.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aligned.hpp"
#include "hcbir/pq.hpp"

namespace hcbir {

constexpr std::size_t byte_values = 256;

/// The tables of a group of queries.
///
/// In bytes, an entry e stands for at most lowest + e * step, where `lowest` is that table's smallest value
/// and the step is one for all of a query's tables, such that the largest entries of any two that are added
/// in 8 bits (kernels::Table::adc_tile) sum to 255 at most. So the sum of a code's entries bounds its score:
/// a code whose sum is below bar(q, score) scores less. Entries of 4-bit codes are averaged
/// (kernels::NibbleQuery): each may be 255, and the sum of averages is the one meant.
class AdcTables {
public:
    /// Byte tables of some queries side by side, as kernels::Table::adc_tile wants them.
    struct Tile {
        const std::uint8_t* entries = nullptr;
        std::size_t width = 0;  // 16, 32 or 64
    };
    static constexpr std::size_t max_tile = 64;     // queries
    static constexpr std::size_t worth_a_tile = 4;  // fewer are quicker one by one

    /// metric: dot or l2.
    AdcTables(const ProductQuantizer& quantizer, Metric metric);

    /// Takes the place of what was loaded before. The queries are of the quantizer's dimension, and finite.
    /// Throws std::invalid_argument if a score could be infinite.
    void load(MatrixView<const float> queries, Executor& executor);

    /// The same in parts: first for how many queries, then each of them, by any thread.
    void begin(std::size_t num_queries);
    void load(std::size_t q, const float* query);

    std::size_t num_queries() const { return bounds_.size(); }
    std::size_t code_size() const { return code_size_; }
    /// Of query q: num_parts() tables, one a byte of a code, or one a half of it, of part_values() entries:
    /// the dot products with the centroids, or squared distances less than 0.
    const float* parts(std::size_t q) const { return parts_.data() + q * num_parts() * part_values(); }
    std::size_t num_parts() const { return of_nibbles() ? 2 * code_size_ : code_size_; }
    std::size_t part_values() const { return quantizer_.num_centroids(); }
    /// scores[i] of code rows[i]: byte b adds its entry, or the float sum of its two, to partial sum b % 4;
    /// (s0 + s1) + (s2 + s3), all in float.
    void score(std::size_t q, MatrixView<const std::uint8_t> codes, std::span<const std::uint32_t> rows,
               float* scores) const;

    /// Whether there are byte tables: not for codes of more than 1024 bytes.
    bool has_bytes() const { return code_size_ <= max_code_size; }
    /// Whether byte entries are those of the halves of a code's bytes, as kernels::NibbleQuery wants them;
    /// else they are as adc_row does.
    bool of_nibbles() const { return quantizer_.bits() == 4; }
    const std::uint8_t* bytes(std::size_t q) const { return bytes_.data() + q * byte_stride(); }
    /// The least sum of byte entries, or of averages, of a code that may score `score` or more; up to 65535,
    /// the largest that any bar is.
    std::uint16_t bar(std::size_t q, double score) const;

    /// By how much the entries of a code that scores `score` or more may fall short, in all, of the largest
    /// of each of the parts.
    double allowance(std::size_t q, double score) const;

    /// Bytes of entries of a query, 16 a value of a turned code, if codes are of 4 bits.
    std::size_t nibble_bytes() const;

    static std::size_t tile_width(std::size_t num_queries) {
        return num_queries <= 16 ? 16 : num_queries <= 32 ? 32 : 64;
    }
    std::size_t tile_bytes(std::size_t num_queries) const {
        return code_size_ * byte_values * tile_width(num_queries);
    }
    /// The tile of queries, from 1 to max_tile; tile_bytes() of `entries` are written. Not
    /// of_nibbles(), and has_bytes().
    Tile gather(std::span<const std::uint32_t> queries, std::uint8_t* entries) const;

private:
    static constexpr std::size_t max_code_size = 1024;  // so that sums below 2^16 are fine enough
    struct Bound {
        double lowest, largest, per_step, error;  // lowest, largest: the sums of all tables' extremes
    };

    /// A cache line more than the tables: at multiples of 2^12 all would compete for the same lines.
    std::size_t byte_stride() const {
        return (of_nibbles() ? nibble_bytes() : code_size_ * byte_values) + 64;
    }
    std::size_t place(std::size_t part) const;
    void make_bytes(std::size_t q);
    double widest_sum(const std::vector<double>& widths) const;

    const ProductQuantizer& quantizer_;
    Metric metric_;
    std::size_t code_size_;
    AlignedBuffer<float> parts_;
    AlignedBuffer<std::uint8_t> bytes_;
    std::vector<Bound> bounds_;
};

}  // namespace hcbir
