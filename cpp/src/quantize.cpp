#include <string>

#include "byte_scan.hpp"
#include "hcbir/error.hpp"

// The codes of a whole database, as the scan in bytes reads them.

namespace hcbir {
namespace {

using kernels::byte_panel_rows, kernels::BytePanel;

constexpr std::size_t panels_a_task = 32;

static_assert(sizeof(BytePanel) == 5 * sizeof(float));

}  // namespace

std::size_t max_byte_codes_dim() { return kernels::max_byte_dim; }
std::size_t byte_codes_rows(std::size_t rows) { return ceil_div(rows, byte_panel_rows); }
std::size_t byte_codes_cols(std::size_t cols) { return ceil_div(cols, 4) * 4 * byte_panel_rows; }

void require_codes(MatrixView<const std::uint8_t> codes, MatrixView<const float> bounds,
                   std::size_t num_offsets, const Database& database, Metric metric) {
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
    require(num_offsets == wanted, "offsets", std::to_string(wanted) + " values",
            std::to_string(num_offsets));
}

void quantize(const Database& database, Metric metric, MatrixView<std::uint8_t> codes,
              MatrixView<float> bounds, std::span<float> offsets, Executor& executor) {
    require_codes({codes.data, codes.rows, codes.cols, codes.stride},
                  {bounds.data, bounds.rows, bounds.cols, bounds.stride}, offsets.size(), database, metric);
    const Rows rows(database);
    struct Worker {
        RowCoder coder;
        AlignedBuffer<float> floats;
    };
    std::vector<Worker> workers;
    for (std::size_t w = 0; w < executor.size(); ++w)
        workers.push_back({RowCoder(metric, database.cols), AlignedBuffer<float>()});
    try {
        executor.parallel_for(ceil_div(codes.rows, panels_a_task), [&](std::size_t task, std::size_t w) {
            const std::size_t panel = task * panels_a_task, row = panel * byte_panel_rows;
            const std::size_t count = std::min(panels_a_task * byte_panel_rows, database.rows - row);
            auto& [coder, floats] = workers[w];
            coder.encode(rows.floats(row, count, floats), codes.row(panel),
                         reinterpret_cast<BytePanel*>(bounds.row(panel)),
                         offsets.empty() ? nullptr : offsets.data() + row);
        });
    } catch (const NonFinite&) {
        rows.require_finite();
    }
}

}  // namespace hcbir
