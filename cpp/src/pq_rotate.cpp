#include <algorithm>
#include <string>

#include "aligned.hpp"
#include "hcbir/error.hpp"
#include "hcbir/pq.hpp"
#include "kernels/dispatch.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t vectors_a_task = 240;   // a panel of the rotation meets all of them in the cache
constexpr std::size_t most_values = 12 * 32;  // of a tile

}  // namespace

void rotate(MatrixView<const float> vectors, MatrixView<const float> rotation, MatrixView<float> rotated,
            Executor& executor) {
    require(vectors.cols == rotation.cols, "vectors", "of dimension " + std::to_string(rotation.cols),
            std::to_string(vectors.cols));
    require(rotated.rows == vectors.rows && rotated.cols == rotation.rows, "rotated",
            "vectors x rotation.rows", "another shape");
    const auto& kernels = kernels::active();
    const std::size_t dim = vectors.cols, height = kernels.tile_queries, width = kernels.tile_rows;
    AlignedBuffer<float> columns(ceil_div(rotation.rows, width) * width * dim);
    pack_panels(rotation, 0, rotation.rows, width, columns.data());
    executor.parallel_for(ceil_div(vectors.rows, vectors_a_task), [&](std::size_t task, std::size_t) {
        const std::size_t first = task * vectors_a_task,
                          count = std::min(vectors_a_task, vectors.rows - first);
        AlignedBuffer<float> tiles(ceil_div(count, height) * height * dim);
        pack_panels(vectors, first, count, height, tiles.data());
        alignas(64) float values[most_values];
        for (std::size_t column = 0; column < rotation.rows; column += width)
            for (std::size_t row = 0; row < count; row += height) {
                kernels.fused_dot_tile(tiles.data() + row * dim, columns.data() + column * dim, dim, false,
                                       values, width);
                for (std::size_t i = 0; i < std::min(height, count - row); ++i)
                    std::copy_n(values + i * width, std::min(width, rotation.rows - column),
                                rotated.row(first + row + i) + column);
            }
    });
}

}  // namespace hcbir
