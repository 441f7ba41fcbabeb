#include "hcbir/pq.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "aligned.hpp"
#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"
#include "nearest_centroid.hpp"
#include "panels.hpp"

namespace hcbir {
using kernels::pq_panel_columns;

namespace {

constexpr std::size_t vectors_a_task = 2048;  // so many that a sub-space's lists come into the cache once
constexpr std::size_t worth_cells = 4096;     // vectors; fewer are encoded before the lists are made

void require_codes(MatrixView<const std::uint8_t> codes, std::size_t code_size) {
    require(codes.cols == code_size, "codes", "of " + std::to_string(code_size) + " bytes a row",
            std::to_string(codes.cols));
}

}  // namespace

void ProductQuantizer::write_numbers(const std::uint32_t* numbers, std::size_t m,
                                     MatrixView<std::uint8_t> codes) const {
    if (bits_ == 8)
        for (std::size_t i = 0; i < codes.rows; ++i) codes.row(i)[m] = static_cast<std::uint8_t>(numbers[i]);
    else if (m % 2 == 0)
        for (std::size_t i = 0; i < codes.rows; ++i)
            codes.row(i)[m / 2] = static_cast<std::uint8_t>(numbers[i]);
    else
        for (std::size_t i = 0; i < codes.rows; ++i)
            codes.row(i)[m / 2] = static_cast<std::uint8_t>(codes.row(i)[m / 2] | numbers[i] << 4);
}

struct ProductQuantizer::Cells {
    explicit Cells(std::size_t num_subquantizers) : of_subspace(num_subquantizers) {}

    std::once_flag made;
    std::vector<std::optional<CellLists>> of_subspace;
};

ProductQuantizer::ProductQuantizer(MatrixView<const float> centroids, std::size_t num_subquantizers,
                                   unsigned bits)
    : num_subquantizers_(num_subquantizers),
      sub_dim_(centroids.cols),
      bits_(bits),
      cells_(std::make_unique<Cells>(num_subquantizers)) {
    require(bits == 8 || bits == 4, "bits", "8 or 4", std::to_string(bits));
    require(num_subquantizers >= 1 && centroids.rows == num_subquantizers * num_centroids() && sub_dim_ >= 1,
            "centroids",
            std::to_string(num_subquantizers) + " x " + std::to_string(num_centroids()) + " rows",
            std::to_string(centroids.rows) + " x " + std::to_string(centroids.cols));
    require_finite(centroids, "centroids");
    centroids_.reserve(centroids.rows * sub_dim_);
    for (std::size_t r = 0; r < centroids.rows; ++r)
        centroids_.insert(centroids_.end(), centroids.row(r), centroids.row(r) + sub_dim_);
    columns_.resize(centroids_.size());
    for (std::size_t m = 0; m < num_subquantizers; ++m) {
        const MatrixView<const float> own(centroid(m, 0), num_centroids(), sub_dim_);
        for (std::size_t c = 0; c < own.rows; ++c)
            for (std::size_t d = 0; d < sub_dim_; ++d)
                columns_[(m * sub_dim_ + d) * own.rows + c] = own.row(c)[d];
        nearest_.emplace_back(own);
    }
}

ProductQuantizer::~ProductQuantizer() = default;

void ProductQuantizer::encode(MatrixView<const float> vectors, MatrixView<std::uint8_t> codes,
                              Executor& executor) const {
    require(vectors.cols == dim(), "vectors", "of dimension " + std::to_string(dim()),
            std::to_string(vectors.cols));
    require(codes.rows == vectors.rows && codes.cols == code_size(), "codes",
            "vectors x " + std::to_string(code_size()), "another shape");
    const bool in_cells = vectors.rows >= worth_cells;
    if (in_cells)
        std::call_once(cells_->made, [&] {
            executor.parallel_for(num_subquantizers_, [&](std::size_t m, std::size_t) {
                cells_->of_subspace[m] = nearest_[m].cells();
            });
        });
    std::vector<AlignedBuffer<float>> buffers(executor.size());
    std::atomic<bool> in_range = true;
    executor.parallel_for(ceil_div(vectors.rows, vectors_a_task), [&](std::size_t task, std::size_t worker) {
        const std::size_t first = task * vectors_a_task;
        const std::size_t count = std::min(vectors_a_task, vectors.rows - first);
        buffers[worker].reserve((vectors_a_task + pq_panel_columns) * dim());
        float* together = buffers[worker].data();  // a panel of all sub-spaces
        const auto panels = [&](std::size_t m) {
            return together + (pq_panel_columns * dim() + m * vectors_a_task * sub_dim_);
        };
        for (std::size_t i = 0; i < count; i += pq_panel_columns) {
            pack_panels(vectors, first + i, std::min(pq_panel_columns, count - i), pq_panel_columns,
                        together);
            for (std::size_t m = 0; m < num_subquantizers_; ++m)
                if (!nearest_[m].centre(together + m * sub_dim_ * pq_panel_columns, panels(m) + i * sub_dim_))
                    in_range = false;
        }
        std::uint32_t nearest[vectors_a_task];
        for (std::size_t m = 0; m < num_subquantizers_; ++m) {
            if (in_cells && cells_->of_subspace[m])
                cells_->of_subspace[m]->find(panels(m), count, nearest);
            else
                nearest_[m].find(panels(m), count, nearest);
            write_numbers(nearest, m, {codes.row(first), count, codes.cols, codes.stride});
        }
    });
    if (!in_range) require_in_range(vectors, "vectors");  // names the first such row
}

void ProductQuantizer::decode(MatrixView<const std::uint8_t> codes, MatrixView<float> vectors,
                              Executor& executor) const {
    require_codes(codes, code_size());
    require(vectors.rows == codes.rows && vectors.cols == dim(), "vectors",
            "codes x " + std::to_string(dim()), "another shape");
    executor.parallel_for(ceil_div(codes.rows, vectors_a_task), [&](std::size_t task, std::size_t) {
        const std::size_t last = std::min((task + 1) * vectors_a_task, codes.rows);
        for (std::size_t i = task * vectors_a_task; i < last; ++i)
            for (std::size_t m = 0; m < num_subquantizers_; ++m) {
                const std::uint8_t* code = codes.row(i);
                const unsigned number = bits_ == 8 ? code[m] : code[m / 2] >> (m % 2 * 4) & 15u;
                std::copy_n(centroid(m, number), sub_dim_, vectors.row(i) + m * sub_dim_);
            }
    });
}

}  // namespace hcbir
