#include <cmath>
#include <string>

#include "byte_scan.hpp"
#include "hcbir/error.hpp"

// The codes of a whole database, as the scan in bytes reads them.

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::BytePanel;

constexpr std::size_t panels_a_task = 32;

static_assert(sizeof(BytePanel) == 5 * sizeof(float));

constexpr std::size_t least_axes_dim = 64;  // from here on all codes have a tail
constexpr std::size_t least_part = 16;      // of the columns, as Hadamard's transform wants
constexpr int most_shift = 4;
/// Sums of products stay below 2^31.
constexpr double most_products = 0x1p31 / (127 * 127) - 1;

void require_axes(const PrincipalAxes& axes, std::size_t cols) {
    const auto& reflectors = axes.reflectors;
    if (reflectors.rows == 0) {
        require(axes.tail_shift == 0, "tail_shift", "0 without reflectors", std::to_string(axes.tail_shift));
        return;
    }
    require(cols >= least_axes_dim && reflectors.rows % 4 == 0 && reflectors.rows >= least_part &&
                reflectors.rows + least_part <= cols && reflectors.cols == cols && reflectors.stride == cols,
            "reflectors",
            "a multiple of 4, from 16 to " + std::to_string(cols) + " - 16, x " + std::to_string(cols) +
                ", contiguous",
            std::to_string(reflectors.rows) + " x " + std::to_string(reflectors.cols));
    require(axes.tail_shift >= 0 && axes.tail_shift <= most_shift &&
                std::ldexp(static_cast<double>(reflectors.rows), 2 * axes.tail_shift) +
                        static_cast<double>(cols) <
                    most_products,
            "tail_shift", "0 to 4, and less for many reflectors", std::to_string(axes.tail_shift));
}

}  // namespace

std::size_t max_byte_codes_dim() { return kernels::max_byte_dim; }
std::size_t byte_codes_rows(std::size_t rows) { return ceil_div(rows, byte_panel_rows); }
std::size_t byte_codes_cols(std::size_t cols) {
    const PanelBytes bytes = panel_bytes(cols, head_of(cols, {}));  // has a tail if any has
    return bytes.head + bytes.tail;
}

void require_codes(const ByteCodes& given, const Database& database, Metric metric) {
    const auto& [codes, bounds, offsets, axes] = given;
    require(database.cols <= max_byte_codes_dim(), "database",
            "of a dimension up to " + std::to_string(max_byte_codes_dim()), std::to_string(database.cols));
    const std::size_t rows = byte_codes_rows(database.rows), cols = byte_codes_cols(database.cols);
    require(codes.rows == rows && codes.cols == cols && codes.stride == cols, "codes",
            std::to_string(rows) + " x " + std::to_string(cols) + ", contiguous",
            std::to_string(codes.rows) + " x " + std::to_string(codes.cols));
    require(bounds.rows == rows && bounds.cols == 5 && bounds.stride == 5, "bounds",
            std::to_string(rows) + " x 5, contiguous",
            std::to_string(bounds.rows) + " x " + std::to_string(bounds.cols));
    const std::size_t wanted = metric == Metric::l2 ? database.rows : 0;
    require(offsets.size() == wanted, "offsets", std::to_string(wanted) + " values",
            std::to_string(offsets.size()));
    require_axes(axes, database.cols);
}

void quantize(const Database& database, Metric metric, const PrincipalAxes& axes,
              MatrixView<std::uint8_t> codes, MatrixView<float> bounds, std::span<float> offsets,
              Executor& executor) {
    require_codes({{codes.data, codes.rows, codes.cols, codes.stride},
                   {bounds.data, bounds.rows, bounds.cols, bounds.stride},
                   offsets,
                   axes},
                  database, metric);
    const Rows rows(database);
    const std::size_t head = head_of(database.cols, axes);
    const PanelBytes bytes = panel_bytes(database.cols, head);
    std::uint8_t *heads = codes.data, *tails = heads + codes.rows * bytes.head;
    struct Worker {
        RowCoder coder;
        AlignedBuffer<float> floats;
    };
    std::vector<Worker> workers;
    for (std::size_t w = 0; w < executor.size(); ++w)
        workers.push_back({RowCoder(metric, database.cols, head, axes), AlignedBuffer<float>()});
    try {
        executor.parallel_for(ceil_div(codes.rows, panels_a_task), [&](std::size_t task, std::size_t w) {
            const std::size_t panel = task * panels_a_task, row = panel * byte_panel_rows;
            const std::size_t count = std::min(panels_a_task * byte_panel_rows, database.rows - row);
            auto& [coder, floats] = workers[w];
            coder.encode(rows.floats(row, count, floats), heads + panel * bytes.head,
                         tails + panel * bytes.tail, reinterpret_cast<BytePanel*>(bounds.row(panel)),
                         offsets.empty() ? nullptr : offsets.data() + row);
        });
    } catch (const NonFinite&) {
        rows.require_finite();
    }
}

}  // namespace hcbir
