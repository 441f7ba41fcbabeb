#include "hcbir/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

constexpr std::size_t channels = 3;
// Rows that are resampled together: their pixels of one column stand side by side, so that the kernel adds
// weighted columns as it adds weighted rows.
constexpr std::size_t band_rows = 32;
constexpr double support = 2.0;

double cubic(double x) {
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

/// What one target pixel is made of along one axis.
struct Window {
    std::size_t first;
    kernels::BlendWeights weights;
};

/// The windows of all target pixels along one axis.
class Windows {
public:
    Windows(std::size_t source_size, double length, std::size_t target_size) {
        const double step = length / static_cast<double>(target_size);
        const double widening = std::max(step, 1.0), reach = support * widening;
        most_ = static_cast<std::size_t>(std::ceil(reach)) * 2 + 2;
        high_.resize(target_size * most_), low_.resize(target_size * most_);
        std::vector<double> exact(most_);
        for (std::size_t i = 0; i < target_size; ++i) {
            const double centre = (static_cast<double>(i) + 0.5) * step;
            const auto first = static_cast<std::size_t>(std::max(centre - reach + 0.5, 0.0));
            const auto end = std::min(static_cast<std::size_t>(centre + reach + 0.5), source_size);
            double total = 0;
            for (std::size_t j = first; j < end; ++j)
                total += exact[j - first] = cubic((static_cast<double>(j) - centre + 0.5) * (1.0 / widening));
            for (std::size_t t = 0; t < end - first; ++t)
                set_weight(i * most_ + t, (total == 0 ? exact[t] : exact[t] / total) * kernels::blend_one);
            bounds_.push_back({first, end - first});
        }
    }

    std::size_t first() const { return bounds_.front().first; }
    std::size_t end() const { return bounds_.back().first + bounds_.back().count; }
    std::size_t size() const { return bounds_.size(); }
    Window operator[](std::size_t i) const {
        return {bounds_[i].first, {&high_[i * most_], &low_[i * most_], bounds_[i].count}};
    }

private:
    struct Bounds {
        std::size_t first, count;
    };
    void set_weight(std::size_t place, double exact) {
        const auto weight = static_cast<std::int32_t>(exact < 0 ? exact - 0.5 : exact + 0.5);
        high_[place] = static_cast<std::int16_t>(weight >> kernels::blend_low_bits);
        low_[place] = static_cast<std::int16_t>(weight & ((1 << kernels::blend_low_bits) - 1));
    }

    std::size_t most_ = 0;
    std::vector<std::int16_t> high_, low_;
    std::vector<Bounds> bounds_;
};

/// Copies a pixel without its fourth byte, which lands where the next pixel will be, or behind the last.
void copy_pixel(std::uint8_t* to, const std::uint32_t& pixel) { std::memcpy(to, &pixel, sizeof pixel); }

/// The pixels of the columns of up to band_rows rows, one column after another.
void transpose(MatrixView<const std::uint32_t> source, std::size_t first_row, std::size_t count,
               std::uint8_t* columns) {
    const std::uint32_t* rows[band_rows];
    for (std::size_t r = 0; r < count; ++r) rows[r] = source.row(first_row + r);
    for (std::size_t x = 0; x < source.cols; ++x, columns += band_rows * channels)
        for (std::size_t r = 0; r < count; ++r) copy_pixel(columns + r * channels, rows[r][x]);
}

/// The source's rows from first_row on, as many as the target has, at their new width.
void resample_rows(MatrixView<const std::uint32_t> source, std::size_t first_row, const Windows& windows,
                   MatrixView<std::uint8_t> target) {
    const auto blend = kernels::active().blend_bytes;
    constexpr std::size_t column_size = band_rows * channels;
    const auto columns = std::make_unique_for_overwrite<std::uint8_t[]>(source.cols * column_size + 1);
    std::uint8_t blended[column_size];
    for (std::size_t row = 0; row < target.rows; row += band_rows) {
        const std::size_t count = std::min(band_rows, target.rows - row);
        transpose(source, first_row + row, count, columns.get());
        for (std::size_t x = 0; x < windows.size(); ++x) {
            blend(columns.get() + windows[x].first * column_size, column_size, windows[x].weights,
                  count * channels, blended);
            std::uint8_t* to = target.row(row) + x * channels;
            for (std::size_t r = 0; r < count; ++r, to += target.stride)
                for (std::size_t c = 0; c < channels; ++c) to[c] = blended[r * channels + c];
        }
    }
}

/// Rows of bytes at their new height; the first of `rows` is the source's row `first_row`.
void resample_columns(const std::uint8_t* rows, std::size_t stride, std::size_t first_row,
                      const Windows& windows, MatrixView<std::uint8_t> target) {
    const auto blend = kernels::active().blend_bytes;
    for (std::size_t y = 0; y < target.rows; ++y)
        blend(rows + (windows[y].first - first_row) * stride, stride, windows[y].weights, target.cols,
              target.row(y));
}

}  // namespace

void resize_bicubic(MatrixView<const std::uint32_t> source, ResizeBox box, MatrixView<std::uint8_t> target) {
    require(source.rows > 0 && source.cols > 0, "source", "of at least one pixel",
            std::to_string(source.cols) + " x " + std::to_string(source.rows));
    require(target.rows > 0 && target.cols > 0 && target.cols % channels == 0, "target",
            "of at least one pixel of three bytes",
            std::to_string(target.cols) + " bytes x " + std::to_string(target.rows));
    require(box.width > 0 && box.width <= static_cast<float>(source.cols) && box.height > 0 &&
                box.height <= static_cast<float>(source.rows),
            "box", "inside the source", std::to_string(box.width) + " x " + std::to_string(box.height));
    const std::size_t width = target.cols / channels, height = target.rows;
    const Windows along_x(source.cols, double{box.width}, width);
    const Windows along_y(source.rows, double{box.height}, height);
    const bool columns_first = source.rows > height && source.rows + 2 * width > height + 2 * source.cols;
    if (columns_first) {
        const auto low = std::make_unique_for_overwrite<std::uint32_t[]>(height * source.cols);
        const std::size_t pixel = sizeof(std::uint32_t);
        resample_columns(reinterpret_cast<const std::uint8_t*>(source.data), source.stride * pixel, 0,
                         along_y, {reinterpret_cast<std::uint8_t*>(low.get()), height, source.cols * pixel});
        resample_rows({low.get(), height, source.cols}, 0, along_x, target);
    } else {
        const std::size_t first_row = along_y.first(), num_rows = along_y.end() - first_row;
        const auto narrow = std::make_unique_for_overwrite<std::uint8_t[]>(num_rows * target.cols);
        resample_rows(source, first_row, along_x, {narrow.get(), num_rows, target.cols});
        resample_columns(narrow.get(), target.cols, first_row, along_y, target);
    }
}

}  // namespace hcbir
