// What the tests of the kernels share. Each kernel of the table is compared, at every level that this CPU
// runs, with a loop written from its contract in abi.hpp, over tails of every length. The arrays are exactly
// as large as promised, so that a sanitizer sees what is read beyond them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "hcbir/isa.hpp"
#include "kernels/dispatch.hpp"

using hcbir::kernels::Table;
using Floats = std::vector<float>;
using Indices = std::vector<std::uint32_t>;

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

inline std::mt19937 engine;

inline int whole(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine); }

/// Small whole numbers, whose sums of products are exact in any order.
inline Floats whole_floats(std::size_t count) {
    Floats values(count);
    for (float& x : values) x = static_cast<float>(whole(-8, 8));
    return values;
}

inline Floats real_floats(std::size_t count, float scale = 1) {
    std::normal_distribution<float> value(0, scale);
    Floats values(count);
    for (float& x : values) x = value(engine);
    return values;
}

template <class T>
std::vector<T> whole_bits(std::size_t count) {
    std::vector<T> values(count);
    for (T& x : values) x = static_cast<T>(engine());
    return values;
}

/// The same bits, but that a NaN is a NaN.
inline bool same(float a, float b) {
    return (std::isnan(a) && std::isnan(b)) ||
           std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}
inline bool same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}
inline bool same(const Floats& a, const Floats& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) { return same(x, y); });
}

/// Ends with the level, the kernel and the sizes that showed a difference.
inline void agree(bool holds, const Table& table, const char* kernel,
                  std::initializer_list<std::size_t> sizes) {
    std::string what = std::string(table.name) + " " + kernel;
    for (const std::size_t size : sizes) what += " " + std::to_string(size);
    check(holds, what.c_str());
}

/// Runs the tests at every level, each from the same seed.
inline void at_every_level(std::initializer_list<void (*)(const Table&)> tests) {
    for (const std::string& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        const Table& table = hcbir::kernels::active();
        check(level == table.name, "the table of the level asked for");
        for (const auto test : tests) {
            engine.seed(1);
            test(table);
        }
        std::printf("kernels at %s: ok\n", table.name);
    }
}
