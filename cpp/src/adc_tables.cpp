#include "adc_tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t parts_of_bytes = 4;  // whose entries must not sum to more than 255

}  // namespace

AdcTables::AdcTables(const ProductQuantizer& quantizer, Metric metric)
    : quantizer_(quantizer), metric_(metric), code_size_(quantizer.code_size()) {}

void AdcTables::load(MatrixView<const float> queries, bool with_tiles, Executor& executor) {
    const std::size_t size = code_size_ * byte_values;
    num_queries_ = queries.rows;
    with_tiles_ = with_tiles && has_bytes() && queries.rows >= worth_a_tile;
    floats_.reserve(num_queries_ * size);
    bounds_.resize(num_queries_);
    if (has_bytes()) {
        bytes_.reserve(num_queries_ * size);
        nibbles_.reserve(num_queries_ * code_size_ * 32);
    }
    executor.parallel_for(num_queries_, [&](std::size_t q, std::size_t) { load_query(q, queries.row(q)); });
    if (!with_tiles_) return;
    tiles_.reserve(ceil_div(num_queries_, max_tile) * max_tile * size);
    executor.parallel_for(ceil_div(num_queries_, max_tile),
                          [&](std::size_t tile, std::size_t) { make_tile(tile * max_tile); });
}

void AdcTables::load_query(std::size_t q, const float* query) {
    const auto& kernels = kernels::active();
    const auto table_of = metric_ == Metric::l2 ? kernels.l2_table : kernels.dot_table;
    const std::size_t num = quantizer_.num_subquantizers(), sub_dim = quantizer_.sub_dim();
    const std::size_t values = quantizer_.num_centroids();
    float* tables = floats_.data() + q * code_size_ * byte_values;
    if (quantizer_.bits() == 8) {
        for (std::size_t m = 0; m < num; ++m)
            table_of(query + m * sub_dim, quantizer_.column(m, 0), values, sub_dim, tables + m * byte_values);
        return make_bytes(q, tables);
    }
    std::vector<float> parts(2 * code_size_ * values);  // an odd last byte has nothing in its high half
    for (std::size_t m = 0; m < num; ++m)
        table_of(query + m * sub_dim, quantizer_.column(m, 0), values, sub_dim, parts.data() + m * values);
    for (std::size_t b = 0; b < code_size_; ++b)
        for (std::size_t v = 0; v < byte_values; ++v)
            tables[b * byte_values + v] = parts[b * 32 + v % 16] + parts[b * 32 + 16 + v / 16];
    make_bytes(q, parts.data());
}

void AdcTables::make_bytes(std::size_t q, const float* parts) {
    const std::size_t values = quantizer_.num_centroids();
    const std::size_t count = quantizer_.bits() == 8 ? code_size_ : 2 * code_size_;
    const std::size_t together = count / code_size_ * parts_of_bytes;
    std::vector<float> lowest(count);
    double sum_lowest = 0, sum_largest = 0, widest = 0, width = 0;
    for (std::size_t p = 0; p < count; ++p) {
        const auto [low, high] = std::minmax_element(parts + p * values, parts + (p + 1) * values);
        lowest[p] = *low;
        sum_lowest += double{*low};
        sum_largest += std::max(std::abs(double{*low}), std::abs(double{*high}));
        width = (p % together == 0 ? 0 : width) + (double{*high} - double{*low});
        widest = std::max(widest, width);
    }
    require(sum_largest < double{std::numeric_limits<float>::max()} / 4, "queries",
            "of a size that keeps every score finite", "larger ones");
    if (!has_bytes()) return;

    // Rounding up adds less than 1 + 2e-4 to an entry, and floats that are at most 255 err by less than 1e-4.
    const auto steps = static_cast<float>(
        std::min(widest > 0 ? (255.0 - static_cast<double>(together) - 1) / widest : 1.0, 1e30));
    bounds_[q] = {sum_lowest, double{steps}, (static_cast<double>(code_size_) + 4) * 0x1p-23 * sum_largest};
    std::uint8_t* bytes = bytes_.data() + q * code_size_ * byte_values;
    std::uint8_t* entries = quantizer_.bits() == 8 ? bytes : nibbles_.data() + q * code_size_ * 32;
    for (std::size_t p = 0; p < count; ++p)
        for (std::size_t v = 0; v < values; ++v) {
            const float above = (parts[p * values + v] - lowest[p]) * steps + 1e-4f;
            const auto whole = static_cast<std::uint8_t>(above);
            entries[p * values + v] = static_cast<std::uint8_t>(whole + (static_cast<float>(whole) < above));
        }
    if (quantizer_.bits() == 8) return;
    for (std::size_t b = 0; b < code_size_; ++b)
        for (std::size_t v = 0; v < byte_values; ++v)
            bytes[b * byte_values + v] =
                static_cast<std::uint8_t>(entries[b * 32 + v % 16] + entries[b * 32 + 16 + v / 16]);
}

std::uint16_t AdcTables::bar(std::size_t q, double score) const {
    const Bound& bound = bounds_[q];
    const double least =
        (score - bound.error - 0x1p-22 * std::abs(score) - bound.lowest) * bound.per_step - 1e-3;
    return static_cast<std::uint16_t>(std::ceil(std::clamp(least, 0.0, 65535.0)));
}

std::size_t AdcTables::tile_width(std::size_t first) const {
    const std::size_t count = std::min(max_tile, num_queries_ - first);
    return count <= 16 ? 16 : count <= 32 ? 32 : 64;
}

const std::uint8_t* AdcTables::tile(std::size_t first) const {
    if (!with_tiles_ || first % max_tile != 0) return nullptr;
    return tiles_.data() + first * code_size_ * byte_values;
}

void AdcTables::make_tile(std::size_t first) {
    const std::size_t size = code_size_ * byte_values, width = tile_width(first);
    const std::size_t count = std::min(max_tile, num_queries_ - first);
    std::uint8_t* tile = tiles_.data() + first * size;
    std::fill_n(tile, size * width, std::uint8_t{0});
    constexpr std::size_t block = 64;  // entries, so that the lines written to stay in the cache
    for (std::size_t entry = 0; entry < size; entry += block)
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint8_t* bytes = bytes_.data() + (first + i) * size + entry;
            for (std::size_t e = 0; e < block; ++e) tile[(entry + e) * width + i] = bytes[e];
        }
}

}  // namespace hcbir
