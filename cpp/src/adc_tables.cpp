#include "adc_tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t rows_ahead = 8;  // are fetched while one is scored

/// Of 4-bit codes (kernels::nibble_group): the steps of a chunk, of which `left` bytes or more are a code's.
std::size_t nibble_steps(std::size_t left) { return left > 16 ? 16 : left > 8 ? 8 : 4; }

}  // namespace

AdcTables::AdcTables(const ProductQuantizer& quantizer, Metric metric)
    : quantizer_(quantizer), metric_(metric), code_size_(quantizer.code_size()) {}

void AdcTables::load(MatrixView<const float> queries, Executor& executor) {
    begin(queries.rows);
    executor.parallel_for(queries.rows, [&](std::size_t q, std::size_t) { load(q, queries.row(q)); });
}

void AdcTables::begin(std::size_t num_queries) {
    parts_.reserve(num_queries * num_parts() * part_values());
    bounds_.resize(num_queries);
    if (has_bytes()) bytes_.reserve(num_queries * byte_stride());
}

void AdcTables::load(std::size_t q, const float* query) {
    const auto& kernels = kernels::active();
    const auto table_of = metric_ == Metric::l2 ? kernels.l2_table : kernels.dot_table;
    const std::size_t num = quantizer_.num_subquantizers(), sub_dim = quantizer_.sub_dim();
    const std::size_t values = part_values();
    float* parts = parts_.data() + q * num_parts() * values;
    std::fill(parts + num * values, parts + num_parts() * values, 0.0f);  // of an odd last byte's high half
    for (std::size_t m = 0; m < num; ++m)
        table_of(query + m * sub_dim, quantizer_.column(m, 0), values, sub_dim, parts + m * values);
    make_bytes(q);
}

std::size_t AdcTables::nibble_bytes() const {
    return code_size_ / 32 * 1024 + (code_size_ % 32 ? nibble_steps(code_size_ % 32) * 64 : 0);
}

/// Where the byte entries of a part begin.
std::size_t AdcTables::place(std::size_t part) const {
    if (!of_nibbles()) return part * byte_values;
    const std::size_t chunk = part / 64, value = part % 64, steps = nibble_steps(code_size_ - chunk * 32);
    return chunk * 1024 + value % steps * 64 + value / steps * 16;
}

/// Of entries of these widths: the most of those that are averaged; or that two bytes of a code, which are
/// added in 8 bits, may sum to, or all of them, as far as 16 bits demand it.
double AdcTables::widest_sum(const std::vector<double>& widths) const {
    if (of_nibbles()) return *std::max_element(widths.begin(), widths.end());
    const std::size_t half = (code_size_ + 1) / 2;
    double widest = 0, sum = 0;
    for (std::size_t b = 0; b < half; ++b) {
        const double width = widths[b] + (b + half < code_size_ ? widths[b + half] : 0.0);
        widest = std::max(widest, width), sum += width;
    }
    return std::max(widest, sum / 255);
}

void AdcTables::make_bytes(std::size_t q) {
    const float* parts = this->parts(q);
    const std::size_t values = part_values(), count = num_parts();
    std::vector<float> lowest(count);
    std::vector<double> widths(count);
    double sum_lowest = 0, sum_highest = 0, sum_largest = 0;
    const auto& kernels = kernels::active();
    for (std::size_t p = 0; p < count; ++p) {
        float high = 0;
        kernels.extremes(parts + p * values, values, &lowest[p], &high);
        sum_lowest += double{lowest[p]}, sum_highest += double{high};
        sum_largest += std::max(std::abs(double{lowest[p]}), std::abs(double{high}));
        widths[p] = double{high} - double{lowest[p]};
    }
    require(sum_largest < double{std::numeric_limits<float>::max()} / 4, "queries",
            "of a size that keeps every score finite", "larger ones");
    if (!has_bytes()) return;

    // Rounding up adds less than 1 + 2e-4 to an entry, and floats that are at most 255 err by less than 1e-4:
    // an entry, or two, stay below 256; and the sum of all below 2^16, where that is what widest_sum says.
    const double widest = widest_sum(widths);
    const auto steps = static_cast<float>(std::min(widest > 0 ? 252 / widest : 1.0, 1e30));
    bounds_[q] = {sum_lowest, sum_highest, double{steps},
                  (static_cast<double>(code_size_) + 4) * 0x1p-23 * sum_largest};
    std::uint8_t* entries = bytes_.data() + q * byte_stride();
    if (of_nibbles()) std::fill_n(entries, nibble_bytes(), std::uint8_t{0});
    for (std::size_t p = 0; p < count; ++p)
        kernels.bytes_above(parts + p * values, values, lowest[p], steps, entries + place(p));
}

void AdcTables::score(std::size_t q, MatrixView<const std::uint8_t> codes,
                      std::span<const std::uint32_t> rows, float* scores) const {
    const float* tables = parts(q);
    if (of_nibbles())
        return kernels::active().nibble_scores(tables, codes.row(0), codes.stride, rows.data(), rows.size(),
                                               code_size_, scores);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i + rows_ahead < rows.size()) __builtin_prefetch(codes.row(rows[i + rows_ahead]));
        const std::uint8_t* code = codes.row(rows[i]);
        float sums[4] = {};
        std::size_t b = 0;
        for (; b + 4 <= code_size_; b += 4)
            for (std::size_t s = 0; s < 4; ++s) sums[s] += tables[(b + s) * byte_values + code[b + s]];
        for (std::size_t s = 0; b < code_size_; ++b, ++s) sums[s] += tables[b * byte_values + code[b]];
        scores[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

double AdcTables::allowance(std::size_t q, double score) const {
    const Bound& bound = bounds_[q];
    return std::max(bound.largest - (score - bound.error - 0x1p-22 * std::abs(score)), 0.0);
}

std::uint16_t AdcTables::bar(std::size_t q, double score) const {
    const Bound& bound = bounds_[q];
    double least = (score - bound.error - 0x1p-22 * std::abs(score) - bound.lowest) * bound.per_step - 1e-3;
    if (of_nibbles()) least /= static_cast<double>(4 * nibble_steps(code_size_));
    const double clamped = std::clamp(least, 0.0, 65535.0);
    const auto whole = static_cast<std::uint32_t>(clamped);
    return static_cast<std::uint16_t>(whole + (static_cast<double>(whole) < clamped));
}

AdcTables::Tile AdcTables::gather(std::span<const std::uint32_t> queries, std::uint8_t* entries) const {
    const std::uint8_t* rows[max_tile];
    const std::size_t width = tile_width(queries.size());
    for (std::size_t i = 0; i < width; ++i)  // the last one stands for those that are missing
        rows[i] = bytes(queries[std::min(i, queries.size() - 1)]);
    kernels::active().interleave_bytes(rows, width, code_size_ * byte_values, entries);
    return {entries, width};
}

}  // namespace hcbir
