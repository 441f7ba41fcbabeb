#include "byte_scan.hpp"

#include <bit>
#include <cstring>

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::byte_tile_queries, kernels::BytePanel;

constexpr std::size_t panels_ahead = 2;     // to be fetched
constexpr std::size_t trial_panels = 4;     // of a block, that tell whether strips are left at the head
constexpr std::uint32_t worth_leaving = 8;  // one strip in this many
constexpr std::size_t quads_of_block = kernels::byte_block / 4;
constexpr double most_key = 1e37;  // and the offset of a row, so that bounds are floats
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::size_t quads_of(std::size_t dim) { return ceil_div(dim, 4); }
constexpr std::size_t quad_bytes = 4 * byte_panel_rows;  // of a panel's rows

constexpr kernels::ByteLimits row_limits{127, kernels::max_row_half_block};

/// Upper bound of a length, given the float sum of `dim` squares.
double length_above(double squared, const DotError& error) {
    return std::sqrt(squared) * (1 + error.relative);
}

/// Of half the squared length of a row, as a float, and of half the squared distance, rounded to float.
double l2_slack(double length, const DotError& error) {
    if (!(length < longest_l2)) return std::numeric_limits<double>::infinity();
    return (error.relative + 8 * unit) * length * length + error.underflow;
}

/// Of each vector, the squared lengths of the head's code and the tail's, and of what rounding left.
struct SquaredParts {
    float head_codes[byte_panel_rows], head_rests[byte_panel_rows];
    float tail_codes[byte_panel_rows], tail_rests[byte_panel_rows];

    /// In units of the head.
    double codes(std::size_t i, int shift) const {
        return head_codes[i] + std::ldexp(double{tail_codes[i]}, -2 * shift);
    }
    double rests(std::size_t i, int shift) const {
        return head_rests[i] + std::ldexp(double{tail_rests[i]}, -2 * shift);
    }
};

void quantize_parts(const kernels::Table& kernels, MatrixView<const float> rows, std::size_t head,
                    const float* multipliers, std::uint8_t flip, std::uint8_t* head_codes,
                    std::uint8_t* tail_codes, std::size_t quad_stride, SquaredParts& parts) {
    const std::size_t columns = std::min(4 * head, rows.cols);
    kernels.quantize_rows(rows.data, rows.stride, rows.rows, columns, multipliers, flip, head_codes,
                          quad_stride, parts.head_codes, parts.head_rests);
    kernels.quantize_rows(rows.data + columns, rows.stride, rows.rows, rows.cols - columns, multipliers, flip,
                          tail_codes, quad_stride, parts.tail_codes, parts.tail_rests);
}

void fetch(const std::uint8_t* bytes, std::size_t count) {
    for (std::size_t line = 0; line < count; line += 64) __builtin_prefetch(bytes + line);
}

/// As 255ths of the longest, or more.
void write_tails(const double* tails, double longest, std::uint8_t* codes) {
    for (std::size_t j = 0; j < byte_panel_rows; ++j) {
        const double share = tails[j] / longest * 255;
        codes[j] = share < 255 ? static_cast<std::uint8_t>(std::ceil(share + 1e-9)) : 255;  // NaN too
    }
}

}  // namespace

std::size_t head_of(std::size_t dim, const PrincipalAxes& axes) {
    const std::size_t quads = quads_of(dim);
    if (axes.reflectors.rows > 0) return axes.reflectors.rows / 4;
    // Sums over more columns lie closer together, so that a smaller part of the columns tells the best rows
    // from the rest.
    if (dim < 64) return quads;
    if (dim >= 256) return ceil_div(quads / 2, quads_of_block) * quads_of_block;
    return ceil_div(quads * 5 / 8, 4) * 4;
}

PanelBytes panel_bytes(std::size_t dim, std::size_t head) {
    const std::size_t tail = quads_of(dim) - head;
    return {head * quad_bytes + (tail > 0 ? byte_panel_rows : 0), tail * quad_bytes};
}

float byte_multiplier(float largest, float half_block, const kernels::ByteLimits& limits) {
    if (!(largest > 0)) return 1;
    constexpr float half_root =
        5.657f;  // of the 32 columns of half a block: how long a code of magnitude 1 can be
    const bool measured = largest > 1e-15f && largest < 1e15f;  // else squares vanish or overflow
    const float length = measured ? std::sqrt(half_block) : half_root * largest;
    return std::min(
        {(limits.code - 0.01f) / largest, (limits.half_block - half_root / 2 - 0.1f) / length, 1e37f});
}

/// All columns in blocks, of which the head may cut one in two.
std::size_t block_starts_of(std::size_t dim) { return ceil_div(dim, kernels::byte_block) + 1; }

void write_starts(const std::int8_t* codes, std::size_t quads, std::size_t head, const CodeStarts& starts) {
    std::fill_n(starts.head, byte_tile_queries, 0);
    std::fill_n(starts.tail, byte_tile_queries, 0);
    std::int16_t* block = starts.block;
    double squares[byte_tile_queries] = {};  // of the tail
    for (std::size_t c = 0; c < quads; block += 2 * byte_tile_queries) {
        const std::size_t next = c / quads_of_block * quads_of_block + quads_of_block;
        const std::size_t end = c < head ? std::min(next, head) : std::min(next, quads);
        std::int32_t* start = c < head ? starts.head : starts.tail;
        std::int32_t sums[2 * byte_tile_queries] = {};
        for (; c < end; ++c, codes += 4 * byte_tile_queries)
            for (std::size_t half = 0; half < 2 * byte_tile_queries; ++half) {
                const int a = codes[2 * half], b = codes[2 * half + 1];
                sums[half] += a + b;
                if (c >= head) squares[half / 2] += a * a + b * b;
            }
        for (std::size_t half = 0; half < 2 * byte_tile_queries; ++half) {
            start[half / 2] -= 128 * sums[half];
            block[half] = static_cast<std::int16_t>(-128 * sums[half]);  // modulo 2^16
        }
    }
    for (std::size_t i = 0; i < byte_tile_queries; ++i)
        starts.tail_length[i] = round_up(std::sqrt(squares[i]));
}

QueryCodes::QueryCodes(const SearchProblem& problem, const PrincipalAxes& axes, std::size_t group,
                       bool with_rests)
    : problem_(problem),
      head_(head_of(problem.queries.cols, axes)),
      shift_(axes.tail_shift),
      product_unit_(std::ldexp(1.0, -2 * shift_)),
      rotation_(problem.queries.cols, axes),
      codes_(group * 4 * quads_of(problem.queries.cols)),
      multiplier_(group + 16),
      residual_(group + 16),
      length_(group + 16),
      tail_(group + 16),
      finer_residual_(with_rests ? group : 0),
      finer_length_(with_rests ? group : 0),
      head_start_(group + 16),
      tail_start_(group + 16),
      block_start_(group * 2 * block_starts_of(problem.queries.cols)),
      with_rests_(with_rests),
      rests_(with_rests ? group * rest_blocks() * kernels::rest_block / 2 : 0) {
    for (std::size_t q = 0; q < group + 16; ++q)
        multiplier_[q] = residual_[q] = length_[q] = tail_[q] = 0, head_start_[q] = tail_start_[q] = 0;
}

void QueryCodes::load(std::size_t base, std::size_t count, Executor& executor) {
    executor.parallel_for(ceil_div(count, byte_tile_queries), [&](std::size_t tile, std::size_t) {
        const std::size_t first = tile * byte_tile_queries;
        load_tile(base, first, std::min(byte_tile_queries, count - first));
    });
}

void QueryCodes::load_tile(std::size_t base, std::size_t first, std::size_t count) {
    const std::size_t dim = problem_.queries.cols;
    AlignedBuffer<float> buffer;
    const auto queries =
        rotation_.apply({problem_.queries.row(base + first), count, dim, problem_.queries.stride}, buffer);
    auto* codes = codes_.data() + first * 4 * quads_of(dim);
    std::memset(codes, 0, byte_tile_queries * 4 * quads_of(dim));
    float largest[byte_tile_queries], half_blocks[byte_tile_queries];
    SquaredParts parts;
    problem_.kernels.largest_magnitudes(queries.data, queries.stride, count, dim, largest);
    problem_.kernels.longest_half_blocks(queries.data, queries.stride, count, dim, half_blocks);
    for (std::size_t i = 0; i < count; ++i)
        multiplier_[first + i] = byte_multiplier(largest[i], half_blocks[i], problem_.kernels.byte_limits);
    auto* bytes = reinterpret_cast<std::uint8_t*>(codes);
    quantize_parts(problem_.kernels, queries, head_, multiplier_.data() + first, 0, bytes,
                   bytes + head_ * 4 * byte_tile_queries, 4 * byte_tile_queries, parts);
    for (std::size_t i = 0; i < count; ++i) {
        const double length = length_above(parts.codes(i, shift_), problem_.error);
        const double residual = length_above(parts.rests(i, shift_), problem_.error);
        length_[first + i] = round_up(length);
        residual_[first + i] = with_rounding(residual, length);
        if (with_rests_) load_rests(queries.row(i), first + i);
    }
    write_starts(codes, quads_of(dim), head_,
                 {block_start_.data() + first * 2 * block_starts_of(dim), head_start_.data() + first,
                  tail_start_.data() + first, tail_.data() + first});
    for (std::size_t i = first; i < first + byte_tile_queries; ++i) tail_[i] = std::ldexp(tail_[i], -shift_);
}

std::size_t QueryCodes::rest_blocks() const {
    return rest_blocks_of_head() +
           ceil_div(problem_.queries.cols - std::min(4 * head_, problem_.queries.cols), kernels::rest_block);
}

void QueryCodes::load_rests(const float* rotated, std::size_t q) {
    const std::size_t dim = problem_.queries.cols, columns = std::min(4 * head_, dim);
    std::uint8_t* rests = rests_.data() + q * rest_blocks() * kernels::rest_block / 2;
    const auto head = problem_.kernels.quantize_rests(rotated, columns, multiplier_[q], rests);
    const auto tail =
        problem_.kernels.quantize_rests(rotated + columns, dim - columns, multiplier_[q],
                                        rests + rest_blocks_of_head() * kernels::rest_block / 2);
    const double length = length_above(head.values + tail.values * product_unit_, problem_.error);
    const double left =
        length_above(head.left + tail.left * product_unit_, problem_.error) / kernels::rest_steps;
    finer_length_[q] = round_up(length);
    finer_residual_[q] = with_rounding(left, length);
}

float QueryCodes::with_rounding(double residual, double length) const {
    const double rounded = 4 * unit + 2 * rotation_.rounding();  // the rotation, and each product
    return round_up(residual + rounded * (length + residual) + vanished);
}

double QueryCodes::slack(std::size_t query) const {
    const double norm = problem_.query_norms[query];
    if (problem_.metric != Metric::l2) return 0;
    return norm < longest_l2 ? 8 * unit * norm * norm : std::numeric_limits<double>::infinity();
}

KeyScale QueryCodes::scale_of(const BytePanel& panel, std::size_t base, std::size_t q, float residual,
                              float length, double product_unit) const {
    const double unit_of_head = 1 / (multiplier_[q] * double{panel.multiplier});
    double margin = (residual * double{panel.length} + length * double{panel.residual}) * unit_of_head;
    if (problem_.metric == Metric::l2)
        margin += l2_slack(panel.length / panel.multiplier, problem_.error) + slack(base + q);
    margin += 0x1p-22 * margin + 0x1p-147;  // so that bounds can be rounded
    if (margin + 0x1p31 * unit_of_head < most_key) return {unit_of_head * product_unit, margin, true};
    return {0, std::numeric_limits<double>::infinity(), false};
}

kernels::ByteQueries QueryCodes::tile(std::size_t first, const float* bars) const {
    const std::size_t dim = problem_.queries.cols;
    return {codes_.data() + first * 4 * quads_of(dim),
            bars + first,
            multiplier_.data() + first,
            residual_.data() + first,
            length_.data() + first,
            head_,
            2 * shift_,
            head_ < quads_of(dim),
            tail_.data() + first,
            head_start_.data() + first,
            tail_start_.data() + first,
            block_start_.data() + first * 2 * block_starts_of(dim)};
}

void RowCoder::encode(MatrixView<const float> rows, std::uint8_t* heads, std::uint8_t* tails,
                      BytePanel* panels, float* offsets) {
    const PanelBytes bytes = panel_bytes(rows.cols, head_);
    for (std::size_t first = 0; first < rows.rows; first += byte_panel_rows) {
        const std::size_t count = std::min(byte_panel_rows, rows.rows - first);
        encode_panel({rows.row(first), count, rows.cols, rows.stride}, heads, tails, *panels++,
                     metric_ == Metric::l2 ? offsets + first : nullptr);
        heads += bytes.head, tails += bytes.tail;
    }
}

void RowCoder::encode_panel(MatrixView<const float> rows, std::uint8_t* head, std::uint8_t* tail,
                            BytePanel& panel, float* offsets) {
    const auto& kernels = kernels::active();
    const std::size_t count = rows.rows, dim = rows.cols, quads = quads_of(dim);
    float largest[byte_panel_rows], half_blocks[byte_panel_rows], squared[byte_panel_rows];
    float multipliers[byte_panel_rows];
    SquaredParts parts;
    if (count < byte_panel_rows) {
        std::memset(head, 128, head_ * quad_bytes);
        std::memset(tail, 128, (quads - head_) * quad_bytes);
    }
    const auto rotated = rotation_.apply(rows, rotated_);
    kernels.largest_magnitudes(rotated.data, rotated.stride, count, dim, largest);
    kernels.longest_half_blocks(rotated.data, rotated.stride, count, dim, half_blocks);
    bool known = true;
    if (metric_ != Metric::dot) {
        kernels.squared_norms(rows.data, rows.stride, count, dim, squared);
        for (std::size_t j = 0; j < count; ++j) {
            known = known && squared[j] < 1e30f && (metric_ == Metric::l2 || squared[j] > 1e-30f);
            if (metric_ == Metric::cosine) largest[j] /= std::sqrt(squared[j]), half_blocks[j] /= squared[j];
        }
    }
    const float multiplier = byte_multiplier(*std::max_element(largest, largest + count),
                                             *std::max_element(half_blocks, half_blocks + count), row_limits);
    for (std::size_t j = 0; j < count; ++j)
        multipliers[j] = metric_ == Metric::cosine ? multiplier / std::sqrt(squared[j]) : multiplier;
    if (!known)  // codes of no meaning
        std::fill_n(multipliers, count, 0.0f);
    quantize_parts(kernels, rotated, head_, multipliers, 128, head, tail, quad_bytes, parts);

    // Lengths in units of the codes. A product was rounded by 1 unit roundoff; under cosine the multiplier
    // errs by what the squared length does and three roundings more.
    const double rounding =
        (metric_ == Metric::cosine ? error_.relative + 4 * unit : unit) + rotation_.rounding();
    double tails[byte_panel_rows] = {};
    double longest = 0, residual = 0, longest_tail = 0, offset = -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < count; ++j) {
        if (!std::isfinite(parts.rests(j, shift_))) {
            for (const float x : rows.row_span(j))
                if (!std::isfinite(x)) throw NonFinite{};
            known = false;  // the rotation overflowed
        }
        const double rest = length_above(parts.rests(j, shift_), error_),
                     length = length_above(parts.codes(j, shift_), error_) + rest;
        longest = std::max(longest, length * (1 + 2 * rounding));
        residual = std::max(residual, rest + 2 * rounding * length);
        tails[j] = std::ldexp(length_above(parts.tail_codes[j], error_), -shift_);
        longest_tail = std::max(longest_tail, tails[j]);
        if (offsets) offset = std::max(offset, double{offsets[j] = -squared[j] / 2});
    }
    if (head_ < quads) write_tails(tails, longest_tail, head + head_ * quad_bytes);
    // So that scores that round to the same float are never taken for different ones (docs/exact-search.md).
    residual += 16 * unit * longest + vanished;
    if (metric_ == Metric::l2) offset += l2_slack(longest / multiplier, error_);
    panel = {known ? multiplier : not_a_number, round_up(longest), round_up(residual),
             metric_ == Metric::l2 ? round_up(offset) : 0.0f, round_up(longest_tail)};
}

CodedRows ByteScan::encode(std::size_t first_row, std::size_t count) {
    const std::size_t num_panels = ceil_div(count, byte_panel_rows);
    const std::size_t dim = problem_.queries.cols,
                      heads = num_panels * panel_bytes(dim, head_of(dim, {})).head;
    codes_.reserve(num_panels * byte_codes_cols(dim));
    panels_.reserve(num_panels);
    offsets_.reserve(num_panels * byte_panel_rows);
    std::uint8_t *head = codes_.data(), *tail = head + heads;
    coder_.encode(problem_.rows.floats(first_row, count, floats_), head, tail, panels_.data(),
                  offsets_.data());
    return {head, tail, panels_.data(), offsets_.data(), count};
}

/// What must be reached by a key in a panel; the panel's own bounds are the kernel's business.
void ByteScan::set_bar(std::size_t base, std::size_t q, const Candidates& candidates) {
    bars_[q] = round_down(candidates.bar(q) - queries_.slack(base + q));
}

void ByteScan::scan(const CodedRows& rows, std::size_t first_row, std::size_t base, std::size_t first,
                    std::size_t last, Candidates& candidates) {
    num_scanned_ += rows.count * (last - first);
    const std::size_t quads = quads_of(problem_.queries.cols),
                      num_panels = ceil_div(rows.count, byte_panel_rows);
    kernels::ByteHits hits;
    for (std::size_t begin = first; begin < last; begin += byte_tile_queries) {
        const std::size_t num_queries = std::min(byte_tile_queries, last - begin);
        for (std::size_t q = begin; q < begin + num_queries; ++q) set_bar(base, q, candidates);
        auto tile = queries_.tile(begin, bars_.data());
        const PanelBytes bytes = panel_bytes(problem_.queries.cols, tile.head);
        hits.num_strips = hits.num_left = 0;
        for (std::size_t p = 0; p < num_panels; ++p) {
            if (last - first <= few_queries)  // which wait for memory
                fetch(rows.heads + (p + panels_ahead) * bytes.head, bytes.head);
            if (p == trial_panels) tile.may_leave = worth_leaving * hits.num_left > hits.num_strips;
            if (candidates.has_seen(first_row + p * byte_panel_rows)) continue;
            std::uint32_t found = problem_.kernels.byte_tile(
                tile, num_queries, {rows.heads + p * bytes.head, rows.tails + p * bytes.tail}, quads,
                rows.panels[p], hits);
            for (; found; found &= found - 1) {
                const auto i = static_cast<std::size_t>(std::countr_zero(found));
                collect(rows, p, first_row, base, begin + i, hits.rows[i],
                        hits.products + i * byte_panel_rows, candidates);
            }
        }
    }
}

/// Takes up a panel's rows whose bits are set in `hits`.
void ByteScan::collect(const CodedRows& rows, std::size_t panel, std::size_t first_row, std::size_t base,
                       std::size_t q, std::uint32_t hits, const std::int32_t* products,
                       Candidates& candidates) {
    const KeyScale scale = queries_.key_scale(rows.panels[panel], base, q);
    for (; hits; hits &= hits - 1) {
        const auto j = static_cast<std::size_t>(std::countr_zero(hits));
        const std::size_t in_block = panel * byte_panel_rows + j;
        if (in_block >= rows.count) return;
        const auto [lower, upper] = scale.bounds(
            scale.key(products[j], problem_.metric == Metric::l2 ? rows.offsets + in_block : nullptr));
        if (upper < candidates.bar(q)) continue;
        if (candidates.add(q, lower, upper, first_row + in_block, false)) set_bar(base, q, candidates);
    }
}

void ByteScan::score_panel(const CodedRows& rows, std::size_t base, std::size_t first, std::size_t count,
                           float* keys, std::size_t stride, float* margins, std::size_t margin_stride) {
    std::fill_n(bars_.data() + first, count, -std::numeric_limits<float>::infinity());
    kernels::ByteHits hits{};
    problem_.kernels.byte_tile(queries_.tile(first, bars_.data()), count, {rows.heads, rows.tails},
                               quads_of(problem_.queries.cols), *rows.panels, hits);
    for (std::size_t i = 0; i < count; ++i, keys += stride, margins += margin_stride) {
        const KeyScale scale = queries_.key_scale(*rows.panels, base, first + i);
        const std::int32_t* products = hits.products + i * byte_panel_rows;
        *margins = static_cast<float>(scale.margin);
        for (std::size_t j = 0; j < rows.count; ++j)
            keys[j] = static_cast<float>(
                scale.key(products[j], problem_.metric == Metric::l2 ? rows.offsets + j : nullptr));
    }
}

}  // namespace hcbir
