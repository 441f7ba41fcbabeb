#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "hcbir/error.hpp"
#include "hcbir/pq.hpp"
#include "panels.hpp"

namespace hcbir {
namespace {

constexpr std::size_t vectors_a_task = 256;
constexpr int most_passes = 5;

/// One vector's centroids, taken anew one after the other. All floats are summed in the order of dimensions.
class Descent {
public:
    explicit Descent(const ProductQuantizer& quantizer)
        : quantizer_(quantizer),
          num_(quantizer.num_centroids()),
          squares_(quantizer.num_subquantizers() * num_),
          products_(squares_.size()),
          losses_(num_),
          numbers_(quantizer.num_subquantizers()) {
        for (std::size_t m = 0; m < numbers_.size(); ++m)
            for (std::size_t d = 0; d < quantizer.sub_dim(); ++d) {
                const float* column = quantizer.column(m, d);
                for (std::size_t c = 0; c < num_; ++c) squares_[m * num_ + c] += column[c] * column[c];
            }
    }

    void improve(const float* vector, double excess, std::uint8_t* code) {
        double squared = 0;
        for (std::size_t d = 0; d < quantizer_.dim(); ++d) squared += double{vector[d]} * double{vector[d]};
        if (!(squared > 0)) return;
        multiply(vector);
        double along = 0;  // product of the vector with what its code stands for
        for (std::size_t m = 0; m < numbers_.size(); ++m) {
            numbers_[m] = quantizer_.bits() == 8 ? code[m] : code[m / 2] >> (m % 2 * 4) & 15;
            along += double{products_[m * num_ + numbers_[m]]};
        }
        const auto weight = static_cast<float>(excess / squared);
        bool changed = true;
        for (int pass = 0; changed && pass < most_passes; ++pass) {
            changed = false;
            for (std::size_t m = 0; m < numbers_.size(); ++m) {
                const float* products = products_.data() + m * num_;
                along -= double{products[numbers_[m]]};
                const std::size_t best = best_centroid(m, static_cast<float>(squared - along), weight);
                changed = changed || best != numbers_[m];
                numbers_[m] = static_cast<std::uint8_t>(best);
                along += double{products[best]};
            }
        }
        write(code);
    }

private:
    void multiply(const float* vector) {
        std::fill(products_.begin(), products_.end(), 0.0f);
        for (std::size_t m = 0; m < numbers_.size(); ++m)
            for (std::size_t d = 0; d < quantizer_.sub_dim(); ++d) {
                const float value = vector[m * quantizer_.sub_dim() + d];
                const float* column = quantizer_.column(m, d);
                float* products = products_.data() + m * num_;
                for (std::size_t c = 0; c < num_; ++c) products[c] += value * column[c];
            }
    }

    /// The first with the least loss, where the other sub-spaces leave `rest` of the squared length.
    std::size_t best_centroid(std::size_t m, float rest, float weight) {
        const float *products = products_.data() + m * num_, *squares = squares_.data() + m * num_;
        for (std::size_t c = 0; c < num_; ++c) {
            const float missing = rest - products[c];
            losses_[c] = (squares[c] - 2 * products[c]) + (weight * missing) * missing;
        }
        return static_cast<std::size_t>(std::min_element(losses_.begin(), losses_.end()) - losses_.begin());
    }

    void write(std::uint8_t* code) const {
        std::fill_n(code, quantizer_.code_size(), std::uint8_t{0});
        for (std::size_t m = 0; m < numbers_.size(); ++m) {
            std::uint8_t& byte = quantizer_.bits() == 8 ? code[m] : code[m / 2];
            byte = static_cast<std::uint8_t>(byte | numbers_[m] << (quantizer_.bits() == 8 ? 0 : m % 2 * 4));
        }
    }

    const ProductQuantizer& quantizer_;
    std::size_t num_;
    std::vector<float> squares_, products_;  // of all centroids: squared lengths, products with the vector
    std::vector<float> losses_;
    std::vector<std::uint8_t> numbers_;
};

}  // namespace

void encode_anisotropic(const ProductQuantizer& quantizer, MatrixView<const float> vectors, double threshold,
                        MatrixView<std::uint8_t> codes, Executor& executor) {
    require(threshold > 0 && threshold < 1, "threshold", "between 0 and 1", std::to_string(threshold));
    quantizer.encode(vectors, codes, executor);
    const double share = threshold * threshold;
    const double excess = (static_cast<double>(quantizer.dim()) - 1) * share / (1 - share) - 1;
    executor.parallel_for(ceil_div(vectors.rows, vectors_a_task), [&](std::size_t task, std::size_t) {
        Descent descent(quantizer);
        const std::size_t last = std::min((task + 1) * vectors_a_task, vectors.rows);
        for (std::size_t i = task * vectors_a_task; i < last; ++i)
            descent.improve(vectors.row(i), excess, codes.row(i));
    });
}

}  // namespace hcbir
