// The scan in bytes: rows and queries rounded to 8 bits, keys known to within what rounding changed.
#pragma once

#include "aligned.hpp"
#include "candidates.hpp"
#include "rotation.hpp"

namespace hcbir {

constexpr double unit = 0x1p-24;   // half the spacing of floats next to 1
constexpr double vanished = 1e-5;  // in units of the codes, more than what underflow takes from a vector

/// So that the products with values of at most this magnitude, the longest half block of which has this sum
/// of squares, round to codes within the limits, and do not overflow.
float byte_multiplier(float largest, float half_block, const kernels::ByteLimits& limits);

/// Of a tile of codes, what stands in ByteQueries: of block_starts_of(columns) blocks, and of each code.
struct CodeStarts {
    std::int16_t* block;
    std::int32_t *head, *tail;
    float* tail_length;
};
std::size_t block_starts_of(std::size_t dim);
void write_starts(const std::int8_t* codes, std::size_t quads, std::size_t head, const CodeStarts& starts);

/// Fours of columns after which a scan may leave rows: the head.
std::size_t head_of(std::size_t dim, const PrincipalAxes& axes);

/// What the codes of a panel's rows take: of the head, with what is known of the tails, and of these.
struct PanelBytes {
    std::size_t head, tail;
};
PanelBytes panel_bytes(std::size_t dim, std::size_t head);

/// Of a panel and a query: a product of codes times `unit`, and the row's offset, are the key to within
/// `margin`.
struct KeyScale {
    double unit, margin;
    bool known;  // else nothing is

    double key(std::int32_t product, const float* offset) const {
        return !known ? 0 : offset ? product * unit + *offset : product * unit;
    }
    /// What the key is if `estimate` is off by no more than the margin.
    std::pair<float, float> bounds(double estimate) const {
        if (!known) return {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
        const double wide = margin + 0x1p-22 * std::abs(estimate);  // by what rounding to float adds
        return {static_cast<float>(estimate - wide), static_cast<float>(estimate + wide)};
    }
};

/// A group of queries, quantised.
class QueryCodes {
public:
    /// with_rests: whether what the codes leave is wanted too.
    QueryCodes(const SearchProblem& problem, const PrincipalAxes& axes, std::size_t group,
               bool with_rests = false);

    void load(std::size_t base, std::size_t count, Executor& executor);
    /// The tile that begins at query `first`, a multiple of byte_tile_queries.
    kernels::ByteQueries tile(std::size_t first, const float* bars) const;
    KeyScale key_scale(const kernels::BytePanel& panel, std::size_t base, std::size_t q) const {
        return scale_of(panel, base, q, residual_[q], length_[q], product_unit_);
    }

    bool has_rests() const { return with_rests_; }
    /// Blocks of the head's rests, behind which the tail's stand, and of both.
    std::size_t rest_blocks_of_head() const { return ceil_div(4 * head_, kernels::rest_block); }
    std::size_t rest_blocks() const;
    const std::uint8_t* rests(std::size_t q) const {
        return rests_.data() + q * rest_blocks() * kernels::rest_block / 2;
    }
    /// How many bits the products of the head are to be shifted before those of the tail are added.
    int product_shift() const { return 2 * shift_; }
    /// The same of codes and rests together: `unit` is that of the products of rests, to be added.
    KeyScale finer_scale(const kernels::BytePanel& panel, std::size_t base, std::size_t q) const {
        return scale_of(panel, base, q, finer_residual_[q], finer_length_[q],
                        product_unit_ / kernels::rest_steps);
    }

    /// What the keys of a query's l2 distances may be off by more, since these are rounded.
    double slack(std::size_t query) const;

private:
    void load_tile(std::size_t base, std::size_t first, std::size_t count);
    void load_rests(const float* rotated, std::size_t q);
    /// A residual, and what the query and its codes are off by more.
    float with_rounding(double residual, double length) const;
    KeyScale scale_of(const kernels::BytePanel& panel, std::size_t base, std::size_t q, float residual,
                      float length, double product_unit) const;

    const SearchProblem& problem_;
    std::size_t head_;     // fours of columns, as in ByteQueries
    int shift_;            // of the tail
    double product_unit_;  // what a product of codes counts, in units of the head
    Rotation rotation_;
    AlignedBuffer<std::int8_t> codes_;
    // q * multiplier = code + a rest of at most `residual` in length; the length of the code. Of code and
    // rest together the same.
    AlignedBuffer<float> multiplier_, residual_, length_, tail_, finer_residual_, finer_length_;
    AlignedBuffer<std::int32_t> head_start_, tail_start_;
    AlignedBuffer<std::int16_t> block_start_;
    bool with_rests_;
    AlignedBuffer<std::uint8_t> rests_;
};

/// Rows as panels of codes, their heads and their tails apart, so that a scan that leaves most rows after the
/// head reads little else.
struct CodedRows {
    const std::uint8_t *heads, *tails;
    const kernels::BytePanel* panels;
    const float* offsets;  // a row, for l2
    std::size_t count;
};

/// Makes coded rows of floats, some panels at a time.
class RowCoder {
public:
    /// head: as in ByteQueries.
    RowCoder(Metric metric, std::size_t dim, std::size_t head, const PrincipalAxes& axes = {})
        : metric_(metric), head_(head), shift_(axes.tail_shift), error_(dim), rotation_(dim, axes) {}

    /// Rows into whole panels; throws NonFinite.
    void encode(MatrixView<const float> rows, std::uint8_t* heads, std::uint8_t* tails,
                kernels::BytePanel* panels, float* offsets);

private:
    void encode_panel(MatrixView<const float> rows, std::uint8_t* head, std::uint8_t* tail,
                      kernels::BytePanel& panel, float* offsets);

    Metric metric_;
    std::size_t head_;
    int shift_;  // of the tail
    DotError error_;
    Rotation rotation_;
    AlignedBuffer<float> rotated_;
};

/// One worker's scan.
class ByteScan {
public:
    ByteScan(const SearchProblem& problem, std::size_t group, const QueryCodes& queries)
        : problem_(problem),
          queries_(queries),
          coder_(problem.metric, problem.queries.cols, head_of(problem.queries.cols, {})),
          bars_(group + 16) {}

    /// Queries first .. last - 1 of the group that begins at `base` (first: a multiple of byte_tile_queries)
    /// against the rows from `first_row` on.
    void scan(const CodedRows& rows, std::size_t first_row, std::size_t base, std::size_t first,
              std::size_t last, Candidates& candidates);

    /// The keys of a panel of rows against queries first .. first + count - 1 (a tile), `stride` apart, and
    /// the errors of each query's at most.
    void score_panel(const CodedRows& rows, std::size_t base, std::size_t first, std::size_t count,
                     float* keys, std::size_t stride, float* margins, std::size_t margin_stride);

    std::size_t num_scanned() const { return num_scanned_; }  // pairs

    /// Rows of the database quantised for this scan.
    CodedRows encode(std::size_t first_row, std::size_t count);

private:
    void collect(const CodedRows& rows, std::size_t panel, std::size_t first_row, std::size_t base,
                 std::size_t q, std::uint32_t hits, const std::int32_t* products, Candidates& candidates);
    void set_bar(std::size_t base, std::size_t q, const Candidates& candidates);

    const SearchProblem& problem_;
    const QueryCodes& queries_;
    RowCoder coder_;
    std::size_t num_scanned_ = 0;
    AlignedBuffer<float> bars_, floats_, offsets_;
    AlignedBuffer<std::uint8_t> codes_;
    AlignedBuffer<kernels::BytePanel> panels_;
};

}  // namespace hcbir
