// All kernels, compiled by baseline.cpp, avx2.cpp ... under the flags of KernelLevels.cmake.
// Everything but the table stays in an anonymous namespace, so that no two levels share a symbol.
#include "kernels/abi.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace hcbir::kernels {
namespace {

#include "kernels/vec.inl"

#include "kernels/bytes.inl"

#include "kernels/adc.inl"
#include "kernels/adc_row.inl"
// need adc_row.inl
#include "kernels/adc_columns.inl"
#include "kernels/adc_nibbles.inl"
#include "kernels/blend.inl"
#include "kernels/byte_scores.inl"
#include "kernels/byte_tile.inl"
#include "kernels/centroids.inl"
#include "kernels/dot.inl"
#include "kernels/exact.inl"
#include "kernels/fused.inl"
#include "kernels/hamming.inl"
#include "kernels/hamming_tables.inl"
#include "kernels/hypotheses.inl"
#include "kernels/nearest.inl"
#include "kernels/nibble_scores.inl"
#include "kernels/normal.inl"
#include "kernels/quantization.inl"
#include "kernels/query_rests.inl"
#include "kernels/rank.inl"
#include "kernels/reflect.inl"
#include "kernels/residual.inl"
#include "kernels/rotate.inl"
#include "kernels/select.inl"
#include "kernels/strip.inl"
#include "kernels/support.inl"
#include "kernels/widen.inl"

}  // namespace

#define HCBIR_NAME_OF(level) #level
#define HCBIR_NAME(level) HCBIR_NAME_OF(level)

extern const Table HCBIR_LEVEL = {
    .name = HCBIR_NAME(HCBIR_LEVEL),
    .tile_queries = tile_queries,
    .tile_rows = tile_rows,
    .dot_tile = dot_tile,
    .fused_dot_tile = fused_dot_tile,
    .fused_l2_tile = fused_l2_tile,
    .fused_dot_rows = fused_dot_rows,
    .fused_l2_rows = fused_l2_rows,
    .dot_rows = dot_rows,
    .strip_queries = strip_queries,
    .dot_strip = dot_strip,
    .dots = dots,
    .squared_norms = squared_norms,
    .largest_magnitudes = largest_magnitudes,
    .longest_half_blocks = longest_half_blocks,
    .reflect_rows = reflect_rows,
    .rotate_row = rotate_row,
    .quantize_rows = quantize_rows,
    .byte_limits = byte_limits,
    .byte_tile = byte_tile,
    .quantize_rests = quantize_rests,
    .rest_dots = rest_dots,
    .bytes_pay = lanes > 4,
    .byte_scores = byte_scores,
    .raise_best = raise_best,
    .near_pairs = near_pairs,
    .select = select,
    .keep_scores = keep_scores,
    .order_scores = order_scores,
    .count_above = count_above,
    .dot_f64 = dot_f64,
    .dots_f64 = dots_f64,
    .squared_l2_f64 = squared_l2_f64,
    .widen_half = widen_half,
    .widen_bfloat = widen_bfloat,
    .widen_float = widen_float,
    .widen_int8 = widen_int8,
    .blend_bytes = blend_bytes,
    .row_lanes = lanes,
    .nearest_bits = nearest_bits,
    .nearest_short_bits = nearest_short_bits,
    .nearest_centroids = nearest_centroids,
    .nearest_in_blocks = nearest_in_blocks,
    .cells_of = cells_of,
    .near_box = near_box,
    .approach = approach,
    .dot_table = dot_table,
    .l2_table = l2_table,
    .extremes = extremes,
    .bytes_above = bytes_above,
    .bytes_below = bytes_below,
    .interleave_bytes = interleave_bytes,
    .adc_tile = adc_tile,
    .adc_row = adc_row,
    .screen_columns = screen_columns,
    .sum_columns = sum_columns,
    .turn_nibbles = turn_nibbles,
    .adc_nibbles = adc_nibbles,
    .adc_nibble_row = adc_nibble_row,
    .nibble_scores = nibble_scores,
    .residuals = residuals,
    .squared_errors = squared_errors,
    .nearest_pairs = nearest_pairs,
    .may_have_support = may_have_support,
    .propose_similarity = propose<2>,
    .propose_affine = propose<3>,
    .propose_homography = propose<4>,
    .frame_support = frame_support,
    .normal_sums = normal_sums,
    .robust_sums = robust_sums,
};

}  // namespace hcbir::kernels
