// The rows that a search goes through, as floats.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "hcbir/search.hpp"

namespace hcbir {

/// Of flags a row, or of all rows where there are none.
inline std::size_t count_allowed(std::span<const std::uint8_t> allowed, std::size_t num_rows) {
    return allowed.empty()
               ? num_rows
               : num_rows - static_cast<std::size_t>(std::count(allowed.begin(), allowed.end(), 0));
}

/// A database of any element type, or those of its rows that are allowed, in their order.
class Rows {
public:
    explicit Rows(const Database& database) : database_(database) {}
    /// Only the rows whose flag is set.
    Rows(const Database& database, std::span<const std::uint8_t> allowed);

    std::size_t size() const { return chosen_.empty() ? database_.rows : chosen_.size(); }
    std::size_t cols() const { return database_.cols; }
    /// Where row i stands in the database.
    std::int64_t index(std::size_t i) const {
        return chosen_.empty() ? static_cast<std::int64_t>(i) : chosen_[i];
    }

    /// Rows first .. first + count - 1 as they lie, if they lie as floats, else copied into
    /// the buffer, which grows as needed.
    MatrixView<const float> floats(std::size_t first, std::size_t count, AlignedBuffer<float>& buffer) const;

    bool lie_as_floats() const { return database_.type == ElementType::float32 && chosen_.empty(); }

    /// Where row i lies, whatever its elements are.
    const void* start(std::size_t i) const;

    /// Throws std::invalid_argument that names the first row with a value that is not finite.
    void require_finite() const;

private:
    Database database_;
    std::vector<std::int64_t> chosen_;
};

}  // namespace hcbir
