// Random numbers as a function of (seed, stream, counter): never of a thread or of what was drawn before.
#pragma once

#include <cstdint>

namespace hcbir {

class CounterRandom {
public:
    CounterRandom(std::uint64_t seed, std::uint64_t stream) : key_(mix(mix(seed) ^ stream)) {}

    std::uint64_t next() { return mix(key_ + 0x9e3779b97f4a7c15u * ++counter_); }
    /// In [0, 1), 53 bits.
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    /// In 0 .. n - 1, for n < 2^32.
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32); }

private:
    /// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    static std::uint64_t mix(std::uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
    }

    std::uint64_t key_, counter_ = 0;
};

}  // namespace hcbir
