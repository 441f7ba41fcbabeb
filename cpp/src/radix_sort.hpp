// Scores in descending order, by digits of their bits.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hcbir {

/// Unsigned numbers that ascend as scores descend.
inline std::uint32_t key_of(float score) {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // -0 is 0
    return bits >> 31 ? bits : ~bits & 0x7fffffff;
}
inline float score_of(std::uint32_t key) { return std::bit_cast<float>(key >> 31 ? key : ~key & 0x7fffffff); }

struct Entry {
    std::uint32_t key, row;
};

/// Sorts by 11 bits at a time, lowest first; what is equal stays in order.
class RadixSort {
public:
    /// The entries of a row of scores, sorted.
    const std::vector<Entry>& sort(std::span<const float> scores) {
        from_.resize(scores.size()), to_.resize(scores.size());
        for (auto& counts : counts_) counts.fill(0);
        for (std::size_t j = 0; j < scores.size(); ++j) {
            const std::uint32_t key = key_of(scores[j]);
            from_[j] = {key, static_cast<std::uint32_t>(j)};
            for (std::size_t pass = 0; pass < passes; ++pass) ++counts_[pass][digit(key, pass)];
        }
        for (std::size_t pass = 0; pass < passes; ++pass) {
            auto& places = counts_[pass];
            std::uint32_t place = 0;
            for (auto& count : places) count = std::exchange(place, place + count);
            for (const Entry& entry : from_) to_[places[digit(entry.key, pass)]++] = entry;
            std::swap(from_, to_);
        }
        return from_;
    }

private:
    static constexpr std::size_t passes = 3, digit_bits = 11;
    static std::size_t digit(std::uint32_t key, std::size_t pass) {
        return key >> pass * digit_bits & ((1u << digit_bits) - 1);
    }

    std::vector<Entry> from_, to_;
    std::array<std::array<std::uint32_t, 1u << digit_bits>, passes> counts_;
};

}  // namespace hcbir
