// The kernels: what each promises, in words. One Table a level; all levels promise the same, and those marked
// [same bits] return the same bits at every level, because they only use operations that IEEE 754 rounds
// exactly and add in an order that is written here.
//
// Kernel files include nothing but this header, <cstddef>, <cstdint> and intrinsics: a weak symbol compiled
// with AVX is one that the linker may pick for everybody.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hcbir::kernels {

/// 3 x 3 model in row-major order; maps (x0, y0) to (x1, y1).
using Model = float[9];

/// Correspondences as a structure of arrays.
template <class T>
struct Pairs {
    const T *x0, *y0, *x1, *y1;
    std::size_t count;
};
using PairsF32 = Pairs<float>;
using PairsF64 = Pairs<double>;

struct Residuals {
    std::size_t num_inliers;
    float cost;  // sum of min(squared error, squared bound)
};

/// Samples are drawn from a match, the seed, and this many near it; from windows of at most max_window.
constexpr std::size_t num_neighbours = 6, max_window = 512;
constexpr std::uint32_t no_neighbour = 0xffffffff;

/// By how much each pair's features say that image 1 is scaled and turned: (x, y) -> (a x - b y, b x + a y),
/// and the natural logarithm of the scale.
struct Turns {
    const float *log_scale, *a, *b;
};
/// What two pairs may differ in that agree: the scale by a factor of 1.5, the angle by 30 degrees, the place
/// of one from where the other's similarity sends it by a share of the way.
constexpr float turn_log_scale = 0.405f, turn_cosine = 0.866f, turn_error = 0.6f;
/// Twice the area of a triangle over the square of its longest side, up to which its corners count as one
/// line.
constexpr float min_flatness = 0.01f;

/// The neighbours of a seed, relative to the seed; NaN in image 1 where there is none. The last two are
/// not used.
struct Neighbourhood {
    float x0[8], y0[8], x1[8], y1[8];
};

/// A model that sends the seed to the seed, in coordinates relative to it, if one was found.
struct Proposal {
    int found;
    Model model;
};

/// Pairs whose features propose the similarity that sends (x0, y0) to (x1, y1) and turns and scales by (a,
/// b), as in Turns.
struct Frames {
    const float *x0, *y0, *x1, *y1, *a, *b;
};

/// With (x, y, w) the image of a pair under a model, u = x / w, v = y / w, (a, b, c) = (x0, y0, 1) / w, (du,
/// dv) = (x1 - u, y1 - v) and e = u du + v dv, the weighted sums over the pairs of: aa ab ac bb bc cc; a du,
/// b du, c du; a dv, b dv, c dv; u times aa ab ac bb bc; v times the same; (u u + v v) times aa ab bb; a e, b
/// e.
constexpr std::size_t num_normal_sums = 27;
struct NormalSums {
    double values[num_normal_sums];
    std::size_t num_used;           // pairs of weight > 0
    double weight, weighted_error;  // of robust_sums: of the weights, and of weighted squared errors
};
/// Degrees of freedom of the distribution that robust_sums weights by.
constexpr double student_freedom = 3;

/// Rows quantised to bytes stand in panels of this many, four columns after four; queries in tiles.
constexpr std::size_t byte_panel_rows = 32, byte_tile_queries = 12;
constexpr std::size_t fused_chunk = 256;
constexpr std::size_t reflected_rows = 8;    // at a time
constexpr std::size_t max_byte_dim = 32768;  // sums of products stay below 2^31

/// Codes of rows are at most 127 in magnitude. Columns come in blocks of 64, each in two halves, c % 4 < 2
/// and the rest: the codes of half a block have at most this length. With queries bounded likewise
/// (ByteLimits), a level may add the products of half a block in 16 bits.
constexpr std::size_t byte_block = 64;
constexpr float max_row_half_block = 256;

/// What a level asks of the codes of queries.
struct ByteLimits {
    float code;        // the largest magnitude, at most 127
    float half_block;  // the largest length
};

/// What holds for all rows y of a panel of codes: y * multiplier = code + a rest of at most `residual` in
/// length.
struct BytePanel {
    float multiplier;  // NaN: nothing is known of these rows
    float length;      // of the longest y * multiplier, or more
    float residual;
    float offset;  // of the row with the largest, or more
    float tail;    // length of the longest code of the tail, in units of the head, or more
};

/// The codes of a panel's rows: those of the queries' first 4 * head columns, and those of the others. If
/// there are others, a byte a row stands behind the first: the tail's code is at most this times panel.tail /
/// 255 long.
struct PanelCodes {
    const std::uint8_t *head, *tail;
};

/// A tile of quantised queries: q * multiplier = code + a rest of length `residual`. Each array has 16 floats
/// that can be read.
struct ByteQueries {
    const std::int8_t*
        codes;         // of query i and column c at codes[c / 4 * 4 * byte_tile_queries + 4 * i + c % 4]
    const float* bar;  // to be reached by q . y + the row's offset
    const float *multiplier, *residual;
    const float* length;  // of the code, or more
    // After `head` fours of columns, where the tail, the rest of them, cannot make up for what is missing, a
    // strip may be left. Products of the tail are 2^tail_shift times as large as those of the head.
    std::size_t head;
    int tail_shift;
    bool may_leave;
    const float* tail;  // length of the code of the tail, in units of the head, or more
    // The rows' codes are unsigned, 128 more than they mean, for which these make up:
    const std::int32_t *head_start, *tail_start;  // -128 * sum of that part of the code
    // The same of half of what is added in 16 bits, modulo 2^16: blocks of columns, of which the head may cut
    // one in two: [(block * byte_tile_queries + i) * 2 + half]
    const std::int16_t* block_start;
};

/// A tile of quantised queries whose scores are wanted, of 12 entries each; codes and block_start as in
/// ByteQueries, start is that of whole codes.
struct ByteTile {
    const std::int8_t* codes;
    const std::int32_t* start;
    const std::int16_t* block_start;
    const float *scale, *offset;
};

/// What the code of a query leaves of it, in 16ths, four bits a value: of blocks of 128 columns, the missing
/// ones being 0, columns i and 64 + i in the low and the high half of byte i, each 8 more than it means.
constexpr std::size_t rest_block = 128;
constexpr float rest_steps = 16;
/// Sums of squares, in float: of the code and its rest together, and of what they leave, in 16ths.
struct RestSquares {
    float values, left;
};

/// Rows of a panel that may reach a query's bar, and the products of the codes, in units of the tail.
struct ByteHits {
    std::uint32_t rows[byte_tile_queries];  // bit j is row j
    std::int32_t products[byte_tile_queries * byte_panel_rows];
    std::uint32_t num_strips, num_left;  // counted on: all, and those that most queries left at the head
};

/// Vectors to be quantised stand in panels of this many columns.
constexpr std::size_t pq_panel_columns = 32;

/// Centroids that are looked at together.
constexpr std::size_t centroid_block = 8;

/// Centroids side by side: value d of the i-th stands at columns[d * stride + i]. For near_box there are more
/// up to a multiple of centroid_block, with infinite halves and values 0.
struct Centroids {
    const float* columns;
    std::size_t stride;
    const float* halves;  // of the squared lengths
    std::size_t count;
};

/// The same in blocks, of which each has centroid_block halves and dim times as many values; missing ones
/// have infinite halves and values 0. The i-th stands in block i % num_blocks at place i / num_blocks.
struct CentroidBlocks {
    const float* blocks;
    std::uint32_t num_blocks;
    const std::uint8_t* numbers;
};

/// Space in cells: dimension d is cut at its thresholds, intervals[d] - 1 of them, ascending, those of all
/// dimensions one after another; the last dimension's interval is a cell's last digit. What lies below `low`
/// or above `high` in some dimension is in cell num_cells.
struct Grid {
    std::uint32_t num_cells;
    const float *low, *high, *thresholds;
    const std::uint32_t* intervals;
};

/// Codes of 4 bits a value are turned in groups of so many, and in chunks of 32 bytes; the last one is taken
/// for one of 8, 16 or 32 bytes, the smallest that has room for it. A chunk of n bytes makes n / 2 steps of 4
/// values each: value l * n / 2 + s, counted from the chunk's first, low half before high half, is value l of
/// step s.
constexpr std::size_t nibble_group = 64;

/// A query that meets codes, looking up 256 entries for a byte. What an entry lacks of the largest of its
/// table, its shortfall, rounds to a byte: of table c, 256 of them stand at shortfalls[256 * c], for byte
/// order[c]. Codes whose shortfalls over the first `head` tables sum to more than `limit` are left out; null:
/// none is. The rest are those whose entries, those of byte b at entries[256 * b], sum to `bar`.
struct ScreenedQuery {
    const std::uint8_t* shortfalls;
    const std::uint32_t* order;
    std::size_t head;  // at most the number of bytes
    std::uint8_t limit;
    const std::uint8_t* entries;
    std::uint16_t bar;
    std::uint32_t left;  // raised by the number of codes that were looked at beyond the head
};

/// Codes in columns: byte b of code i at columns[b * pitch + i]. count: a multiple of 64.
struct CodeColumns {
    const std::uint8_t* columns;
    std::size_t pitch, count, code_size;
};

/// A query of 4-bit codes: value l of step s has its 16 entries at entries[64 * s + 16 * l], the steps of all
/// chunks counted on; those of values that codes do not have are 0. A chunk's average is taken by halves, of
/// the values in their order, rounded up each time: (a + b + 1) / 2. Codes matter whose averages, of all
/// chunks, sum to `bar`; that of a chunk of 16 or 8 bytes after others is averaged with 0 once or twice.
struct NibbleQuery {
    const std::uint8_t* entries;
    std::uint16_t bar;
};

/// That code `row` may matter to query number `query`.
struct NibbleHit {
    std::uint32_t query, row;
};

/// A code whose sum reaches the bars of some queries; bit i is query i.
struct AdcHit {
    std::uint64_t queries;
    std::uint32_t row;
};

/// The smallest key met so far, and the second smallest; for many columns at a time.
struct NearestBits {
    std::uint32_t *first, *second;
};

/// Short binary descriptors are compared by chunks of bit_chunk bytes, with panels of bit_columns columns.
constexpr std::size_t bit_chunk = 16, bit_columns = 128;

constexpr std::size_t counted_at_once = 16;
/// Weight t of blend_bytes is high[t] * 2^blend_low_bits + low[t], 0 <= low[t] < 2^blend_low_bits, and a
/// whole is 2^blend_bits. Behind an odd number of weights stands one more of 0.
constexpr int blend_bits = 22, blend_low_bits = 11;
constexpr std::int32_t blend_one = 1 << blend_bits;
struct BlendWeights {
    const std::int16_t *high, *low;
    std::size_t count;
};

/// Of queries and rows in panels, see Table::dot_tile.
using Tile = void(const float* queries, const float* rows, std::size_t dim, bool add, float* scores,
                  std::size_t stride);

/// Few queries stand in narrow panels, of which more stays in a cache.
constexpr std::size_t narrow_strip = 8;

/// Of queries in a panel and rows as they lie, see Table::dot_strip.
using Strip = void(const float* queries, std::size_t num_queries, const float* rows, std::size_t stride,
                   std::size_t count, std::size_t dim, float* scores, std::size_t score_stride, float* norms,
                   bool near);

/// See Table::fused_dot_rows.
using RowSums = void(const float* query, const float* rows, std::size_t stride, std::size_t count,
                     std::size_t dim, float* sums);

struct Table {
    const char* name;

    /// Shape of a dot_tile: that many queries against that many database rows.
    std::size_t tile_queries;
    std::size_t tile_rows;

    /// scores[i * stride + j] = dot product, in float, of query i and row j, both given as panels:
    /// queries[c * tile_queries + i], rows[c * tile_rows + j] for c < dim; or, if `add`, that is added to
    /// what stands there. The order of summation is free.
    Tile* dot_tile;

    /// The same, or the squared distance, in float, in one order of summation [same bits]: each chunk of
    /// fused_chunk columns is summed from 0, column after column, with one rounding for product (of the
    /// rounded difference with itself) and sum; then the sums of the chunks are added in turn.
    Tile *fused_dot_tile, *fused_l2_tile;

    /// The same sums of one query with row-major rows, `stride` floats apart [same bits]. dim > 0.
    RowSums *fused_dot_rows, *fused_l2_rows;

    /// scores[j] = dot product, in float, of the query and row j < count (row-major, `stride` floats apart);
    /// norms[j] = squared length of row j. The order of summation is free. `near`: whether the rows are
    /// thought to be in a cache.
    void (*dot_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count,
                     std::size_t dim, float* scores, float* norms, bool near);

    /// scores[i * score_stride + j] = dot product, in float, of query i < num_queries, of a panel
    /// (queries[c * width + i] for c < dim, where width is strip_queries, but not more than narrow_strip for
    /// so few queries), and row j < count (row-major, `stride` floats apart). norms[j] = squared length of
    /// row j, unless null. The order of summation is free. Rows that follow are asked for, unless they are
    /// thought to be in a cache, `near`.
    std::size_t strip_queries;
    Strip* dot_strip;

    /// products[i] = dot product, in float, of `a` and vector i < count. The order of summation is free.
    /// `next` is asked for meanwhile, unless null.
    void (*dots)(const float* a, const float* const* vectors, std::size_t count, const float* next,
                 std::size_t dim, float* products);

    /// norms[j] = squared length, in float, of row j. The order of summation is free.
    void (*squared_norms)(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                          float* norms);

    /// largest[j] = the largest magnitude in row j, of the values that are not NaN.
    void (*largest_magnitudes)(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                               float* largest);
    /// squared[j] = the sum of squares, in float, of row j's half block (byte_block) where it is largest, or
    /// something else if any value is not finite.
    void (*longest_half_blocks)(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                                float* squared);

    /// reflected (count x dim) = rows x less factors[i] (v . x) v for each reflector v in turn, in double,
    /// nothing fused, and rounded to float once. A product v . x is the sum of four: of columns c with c % 4
    /// == 0 and 1, and of 2 and 3 [same bits]. Reflectors stand dim, rounded up to 4, apart, with zeros
    /// between; count <= reflected_rows; `work` has room for reflected_rows such vectors.
    void (*reflect_rows)(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                         const double* reflectors, const double* factors, std::size_t num_reflectors,
                         double* work, float* reflected);

    /// rotated = the row times the signs (1 or -1, or other powers of 2), of which the first `size` elements
    /// (a power of 2, 16 <= size <= dim) are multiplied by `scale` and replaced by their Hadamard transform,
    /// and then, if size < dim, the last `size` likewise [same bits].
    void (*rotate_row)(const float* row, const float* signs, std::size_t dim, std::size_t size, float scale,
                       float* rotated);

    /// codes[c / 4 * quad_stride + 4 * j + c % 4] = (signed byte nearest to row j's value times
    /// multipliers[j]) ^ flip, in whole groups of four columns, the missing ones being 0; lengths[j] = sum of
    /// the squared bytes, residuals[j] = sum of the squares of (float product - byte), in float. A product
    /// beyond 127 is undefined, but a value that is not finite makes residuals[j] NaN.
    void (*quantize_rows)(const float* rows, std::size_t stride, std::size_t count, std::size_t dim,
                          const float* multipliers, std::uint8_t flip, std::uint8_t* codes,
                          std::size_t quad_stride, float* lengths, float* residuals);

    ByteLimits byte_limits;

    /// Products of a tile's first num_queries queries and a panel's rows (codes ^ 128). Returns a bit a
    /// query: whether any row may reach its bar. For those queries `hits` says which; a row is left out only
    /// if by the panel's and the query's bounds it cannot. dim <= max_byte_dim; quads = dim / 4, rounded up.
    std::uint32_t (*byte_tile)(const ByteQueries& queries, std::size_t num_queries, const PanelCodes& rows,
                               std::size_t quads, const BytePanel& panel, ByteHits& hits);

    /// The rests of a query, of whose codes at most 127 in magnitude quantize_rows makes the same of `row`
    /// and `multiplier`: at most 7 sixteenths each.
    RestSquares (*quantize_rests)(const float* row, std::size_t dim, float multiplier, std::uint8_t* rests);

    /// products[i] = sum of the products of a row's codes (^ 128, of so many whole blocks) and a query's
    /// rests, rests[i].
    void (*rest_dots)(const std::uint8_t* row, const std::uint8_t* const* rests, std::size_t count,
                      std::size_t blocks, std::int32_t* products);

    /// scores[i * stride + j] = product of the codes of query i and row j, times the scales of the two, plus
    /// their offsets; for all of a tile and a panel.
    /// bytes_pay: whether this is much faster than dot_tile.
    bool bytes_pay;
    void (*byte_scores)(const ByteTile& queries, const std::uint8_t* rows, std::size_t quads,
                        const float* scales, const float* offsets, float* scores, std::size_t stride);

    /// first[i], second[i] = the two largest of scores[i * stride + j], j < num_columns, a multiple of 16, or
    /// the largest alone if `second` is null; column_best[j] is raised to the scores of its column [same
    /// bits].
    void (*raise_best)(const float* scores, std::size_t stride, std::size_t num_rows, std::size_t num_columns,
                       float* first, float* second, float* column_best);

    /// A score may be larger than it stands here by up to the spreads of its row and column. Writes to
    /// `pairs` the i << 16 | j (j < 2^16) of those that may reach row_bars[i] or column_bars[j] (where float
    /// arithmetic does not miss that by a few roundings); returns how many. A padding column, with scores of
    /// minus infinity and a bar of infinity, is found only by a row bar of minus infinity.
    std::size_t (*near_pairs)(const float* scores, std::size_t stride, std::size_t num_rows,
                              std::size_t num_columns, const float* row_bars, const float* row_spreads,
                              const float* column_bars, const float* column_spreads, std::uint32_t* pairs);

    /// Writes to `selected`, which has room for `count`, the j < count, ascending, for which
    /// keys[j] < threshold does NOT hold (so a NaN is selected); returns how many.
    std::size_t (*select)(const float* keys, std::size_t count, float threshold, std::uint32_t* selected);

    /// Writes the scores that are not below `bar`, NaN among them, in order, and their indices, of which the
    /// first score's is `first`; returns how many. Both arrays have room for 16 more than `count` [same
    /// bits].
    std::size_t (*keep_scores)(const float* scores, std::uint32_t first, std::size_t count, float bar,
                               float* kept, std::uint32_t* indices);

    /// ordered[i] = scores[i] as an integer of the same order: the bits of a float, a negative one's flipped
    /// but for the sign, both zeros 0. Returns whether one is NaN. `count` is a multiple of counted_at_once
    /// [same bits].
    bool (*order_scores)(const float* scores, std::size_t count, std::int32_t* ordered);

    /// counts[b] += the number of scores > bars[b]. `count` is a multiple of counted_at_once [same bits].
    void (*count_above)(const std::int32_t* scores, std::size_t count, const std::int32_t* bars,
                        std::size_t num_bars, std::uint32_t* counts);

    /// Dot product in double [same bits]: products are exact; element c is added to partial sum c % 16; then
    /// partial sum p takes p + 8, p + 4, p + 2, p + 1 in turn.
    double (*dot_f64)(const float* a, const float* b, std::size_t dim);

    /// products[i] = dot_f64 of vector i < count and one that is given in double [same bits], of zeros from
    /// dim up to a multiple of 16. `next` is asked for meanwhile, unless null.
    void (*dots_f64)(const double* a, const float* const* vectors, std::size_t count, const float* next,
                     std::size_t dim, double* products);

    /// Squared distance in double [same bits]: differences and squares rounded to double, summed as dot_f64.
    double (*squared_l2_f64)(const float* a, const float* b, std::size_t dim);

    /// IEEE half precision, and bfloat16, as floats [same bits].
    void (*widen_half)(const std::uint16_t* from, std::size_t count, float* to);
    void (*widen_bfloat)(const std::uint16_t* from, std::size_t count, float* to);

    /// The same values [same bits].
    void (*widen_float)(const float* from, std::size_t count, double* to);

    /// values[c] = codes[c] * scale, rounded to float [same bits].
    void (*widen_int8)(const std::int8_t* codes, float scale, std::size_t count, float* values);

    /// out[j] = the sum over t < weights.count of rows[t * stride + j] * weight t, over blend_one, rounded
    /// halves up and held within 0 and 255, for j < width [same bits]. 255 times the sum of |weight| is below
    /// 2^31 - blend_one.
    void (*blend_bytes)(const std::uint8_t* rows, std::size_t stride, const BlendWeights& weights,
                        std::size_t width, std::uint8_t* out);

    /// Compares `count` binary descriptors, the rows, with a panel of tile_rows others, the columns [same
    /// bits]. A row is num_words 32-bit words, `stride` bytes after the one before; word w of column l is
    /// panel[w * tile_rows + l]. A distance, the number of different bits, is below 2^16, and makes a key
    /// with an index in its low 16 bits: by_column takes the keys distance << 16 | row + i, for each column
    /// the two smallest; by_row[i * row_lanes + l % row_lanes] is lowered to distance << 16 | columns[l].
    std::size_t row_lanes;
    void (*nearest_bits)(const std::uint32_t* panel, const std::uint32_t* columns, const std::uint8_t* rows,
                         std::size_t stride, std::size_t count, std::size_t num_words, std::uint32_t row,
                         NearestBits by_column, std::uint32_t* by_row);

    /// The same for a panel of bit_columns columns whose indices follow `column`, with distances from 255 on
    /// taken for 255 [same bits]. Byte b of column l is panel[b * bit_columns + l]; a row is, for each chunk,
    /// its bytes' low halves, << 4, then their high halves. The key with by_column's second smallest distance
    /// has any index below 2^16; that distance may be 255 where there is none. by_row has one key a row.
    /// `distances` is memory for count * bit_columns bytes.
    void (*nearest_short_bits)(const std::uint8_t* panel, std::uint32_t column, const std::uint8_t* rows,
                               std::size_t count, std::size_t num_chunks, std::uint32_t row,
                               std::uint8_t* distances, NearestBits by_column, std::uint32_t* by_row);

    /// For each column of a panel (value d of column j at panel[d * pq_panel_columns + j]) the number, of
    /// `count` ones, of the centroid with the smallest halves[number] - sum over d of its value d * the
    /// column's, the first of several, and that rest; products and differences are floats, taken in the order
    /// of d, nothing fused [same bits].
    void (*nearest_centroids)(const float* panel, const Centroids& centroids, const std::uint32_t* numbers,
                              std::size_t count, std::size_t dim, float* rests, std::uint32_t* nearest);

    /// The same, without the rests, for some columns of many panels, one after another: column j of them all
    /// is column j % pq_panel_columns of panel j / pq_panel_columns. Writes nearest[j] for each of `columns`.
    void (*nearest_in_blocks)(const float* panels, const std::uint32_t* columns, std::size_t count,
                              const CentroidBlocks& centroids, std::size_t dim, std::uint32_t* nearest);

    /// The cell of each column of a panel.
    void (*cells_of)(const float* panel, const Grid& grid, std::size_t dim, std::uint32_t* cells);

    /// Writes the places, ascending, of the centroids that may have the smallest rest somewhere in the box
    /// middle[d] +- reach[d], and returns their number. Left out are those whose rest is larger by more than
    /// `margin` than another's everywhere: by rest - other's rest in the middle - sum over d of |difference
    /// of their values d| * reach[d], in floats, in the order of d, nothing fused. The others that are tried
    /// have, of those whose places have the same remainder by 8, the smallest rest in the middle, the first
    /// of several [same bits]. scratch: 8 * dim floats and count rounded up to a multiple of 8.
    std::size_t (*near_box)(const Centroids& centroids, std::size_t dim, const float* middle,
                            const float* reach, float margin, float* scratch, std::uint32_t* places);

    /// Lowers distances[j] to max(squares[j] + 2 * rest, 0) of one centroid, rest as above, for each column;
    /// returns the sum of the distances: column j adds to partial sum j % 8, those are added as in dot_f64
    /// [same bits].
    double (*approach)(const float* panel, const float* centroid, float half, std::size_t dim,
                       const float* squares, float* distances);

    /// table[c] = sum over d of query[d] * columns[d * num_centroids + c], or less the squares of their
    /// differences; in double in the order of d, then rounded [same bits]. num_centroids: a multiple of 8.
    void (*dot_table)(const float* query, const float* columns, std::size_t num_centroids, std::size_t dim,
                      float* table);
    void (*l2_table)(const float* query, const float* columns, std::size_t num_centroids, std::size_t dim,
                     float* table);

    /// The smallest and the largest of `count` floats, a multiple of 16.
    void (*extremes)(const float* values, std::size_t count, float* smallest, float* largest);

    /// bytes[i] = the least whole number not below (values[i] - lowest) * factor + 1e-4f, in floats, nothing
    /// fused [same bits]; it is at most 255. count: a multiple of 16.
    void (*bytes_above)(const float* values, std::size_t count, float lowest, float factor,
                        std::uint8_t* bytes);

    /// bytes[i] = (largest - values[i]) * factor - 1e-4f, in floats, nothing fused, towards zero, held within
    /// 0 and 255 [same bits]. count: a multiple of 16.
    void (*bytes_below)(const float* values, std::size_t count, float largest, float factor,
                        std::uint8_t* bytes);

    /// tile[i * width + r] = rows[r][i] for i < count, a multiple of 64. width: a multiple of 16.
    void (*interleave_bytes)(const std::uint8_t* const* rows, std::size_t width, std::size_t count,
                             std::uint8_t* tile);

    /// Sums of 8-bit entries, one for each byte of a code, found by its value. With h = (code_size + 1) / 2
    /// the largest entries of bytes b and b + h sum to 255 at most, those of all bytes to 65535. adc_tile:
    /// `width` queries, 16, 32 or 64, the entry of query i for value v of byte b standing at
    /// tables[(b * 256 + v) * width + i]. Writes to `hits` the codes, ascending, whose sum reaches the bar
    /// of any, and returns their number [same bits].
    std::size_t (*adc_tile)(const std::uint8_t* tables, const std::uint16_t* bars, std::size_t width,
                            const std::uint8_t* codes, std::size_t stride, std::size_t count,
                            std::size_t code_size, AdcHit* hits);

    /// The same for one query, which may be screened. columns: room for 64 bytes for each byte of a code, and
    /// as many as make those a multiple of 16 [same bits].
    std::size_t (*adc_row)(ScreenedQuery& query, const std::uint8_t* codes, std::size_t stride,
                           std::size_t count, std::size_t code_size, std::uint8_t* columns,
                           std::uint32_t* rows);

    /// Of codes in columns those that may matter by their shortfalls, ascending; returns their number. After
    /// every four tables no more are looked at if `few` codes or fewer are left. query.head, entries and bar
    /// do not count. sums: room for a byte a code [same bits].
    std::size_t (*screen_columns)(const ScreenedQuery& query, const CodeColumns& codes, std::size_t few,
                                  std::uint8_t* sums, std::uint32_t* rows);

    /// Of codes in columns those whose entries, as those of adc_row, sum to the bar [same bits].
    std::size_t (*sum_columns)(const std::uint8_t* entries, std::uint16_t bar, const CodeColumns& codes,
                               std::uint32_t* rows);

    /// Of group g = j / 64 of codes and step s, as many a code as nibble_group says: value l of code j at
    /// turned[(g * steps + s) * 256 + j % 64 / 16 * 64 + l * 16 + j % 16], of those that the code lacks any
    /// below 16; codes fill the last group that are zeros.
    void (*turn_nibbles)(const std::uint8_t* codes, std::size_t stride, std::size_t count,
                         std::size_t code_size, std::uint8_t* turned);

    /// Codes turned by turn_nibbles against queries: query after query, the codes that may matter, ascending.
    /// Returns the number of hits [same bits].
    std::size_t (*adc_nibbles)(const NibbleQuery* queries, std::size_t num_queries,
                               const std::uint8_t* turned, std::size_t count, std::size_t code_size,
                               NibbleHit* hits);

    /// The same for one query of codes that are not turned; returns the number of rows. turned: room for a
    /// group [same bits].
    std::size_t (*adc_nibble_row)(const NibbleQuery& query, const std::uint8_t* codes, std::size_t stride,
                                  std::size_t count, std::size_t code_size, std::uint8_t* turned,
                                  std::uint32_t* rows);

    /// scores[i] of code rows[i] of those at `codes`: the entry of byte b is the sum of tables[32 * b + its
    /// low half] and tables[32 * b + 16 + its high half]; byte b adds its entry to partial sum b % 4, in the
    /// order of b; (s0 + s1) + (s2 + s3), all in float [same bits].
    void (*nibble_scores)(const float* tables, const std::uint8_t* codes, std::size_t stride,
                          const std::uint32_t* rows, std::size_t count, std::size_t code_size, float* scores);

    /// Transfer errors of all pairs under a projective model [same bits]. With (x, y, w) = model * (x0, y0,
    /// 1), the squared error is (x / w - x1)^2 + (y / w - y1)^2, computed with one 1 / w and nothing fused; a
    /// pair is an inlier if w > 0 and that error is strictly below max_squared_error. Pair j adds to partial
    /// sum j % 16 of the cost; the partial sums are added as in dot_f64. A cost that is not below max_cost is
    /// returned as {0, max_cost}.
    Residuals (*residuals)(const Model& model, const PairsF32& pairs, float max_squared_error,
                           float max_cost);
    /// errors[j] is the squared error of pair j in doubles, with two divisions; infinite unless w > 0 [same
    /// bits].
    void (*squared_errors)(const double* model, const PairsF64& pairs, double* errors);

    /// For pair seeds[s]: nearest[num_neighbours * s + k] are the pairs nearest to it, the nearest first, by
    /// the larger of the squared distances in the two images, rounded down to 14 bits of mantissa; then by
    /// smaller index [same bits]. Pairs whose smaller one is below min_squared (> 0) are passed over, and, if
    /// turns are given (not null), pairs that do not agree with its; no_neighbour where there are no more.
    /// The pairs, at most max_window, ascend by log_scale if turns are given, else by x0; the seeds ascend.
    void (*nearest_pairs)(const PairsF32& pairs, const Turns& turns, float min_squared,
                          const std::uint32_t* seeds, std::size_t num_seeds, std::uint32_t* nearest);

    /// may[s] is 0 if no affine sample of pair seeds[s] and two of its neighbours, as nearest_pairs writes
    /// them, has a third of them as an inlier; else 1, but for some near misses [same bits].
    void (*may_have_support)(const PairsF32& pairs, const std::uint32_t* seeds, std::size_t num_seeds,
                             const std::uint32_t* nearest, float max_squared_error, std::uint8_t* may);

    /// Of the models that samples of the seed and 1, 2 or 3 neighbours determine, the one with the lowest
    /// cost over the neighbours, the first of equals [same bits]. Samples that are degenerate or turn the
    /// plane over give none; neither do those explaining fewer than `support` neighbours beside their own.
    /// Only the first num_samples samples are looked at, of 6, 15 and 16.
    Proposal (*propose_similarity)(const Neighbourhood& around, std::size_t num_samples,
                                   std::uint32_t support, float max_squared_error);
    Proposal (*propose_affine)(const Neighbourhood& around, std::size_t num_samples, std::uint32_t support,
                               float max_squared_error);
    Proposal (*propose_homography)(const Neighbourhood& around, std::size_t num_samples,
                                   std::uint32_t support, float max_squared_error);

    /// support[i] = sum over the pairs, in order, of max(0, 1 - e^2 / (max_squared_error + squared_slope
    /// d^2)), d being how far from hypothesis i its similarity sends the pair and e by how much that is wrong
    /// [same bits]. Up to 15 hypotheses more can be read, and their support written.
    void (*frame_support)(const Frames& hypotheses, std::size_t num_hypotheses, const PairsF32& pairs,
                          float max_squared_error, float squared_slope, float* support);

    /// See NormalSums; the last 15 are 0 unless `projective` [same bits]. A pair weighs 0 if w <= 0 or its
    /// squared error is not below max_squared_error; else 1. The count is a multiple of 16, or 8
    /// (robust_sums); pair j adds to partial sum j % 16, or % 8, and these are added as in dot_f64.
    void (*normal_sums)(const float* model, const PairsF32& pairs, float max_squared_error, bool projective,
                        NormalSums& sums);
    /// The same for errors of Student's t distribution, in both images if `projective`: r = (du, dv) then
    /// counts by C = (I + J J^T)^-1, J being the derivative of the model times `unit`. With the squared error
    /// e = r^T r, or 2 r^T C r, a pair weighs 1 / (student_freedom + e / squared_scale), times the mean
    /// eigenvalue c of 2 C in the sums, in which 2 C r / c takes the place of r.
    void (*robust_sums)(const double* model, const PairsF64& pairs, double max_squared_error,
                        double squared_scale, double unit, bool projective, NormalSums& sums);
};

extern const Table baseline;
#ifdef HCBIR_X86_LEVELS
extern const Table avx2;
extern const Table avx512;
extern const Table avx512icl;
#endif

}  // namespace hcbir::kernels
