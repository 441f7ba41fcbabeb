// Mutual nearest neighbours of float descriptors, from one pass over the scores.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "aligned.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/search.hpp"
#include "hcbir/types.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {

/// Rows as the scan takes them. Its products, in float, grow with the metric's score: of the rows for dot, of
/// the rows over their lengths for cosine; for l2 two more columns make each minus half the squared distance.
class ScanRows {
public:
    /// `unit`, a power of two near the rows' length, is the same for both sets. Throws std::invalid_argument
    /// for values that are not finite.
    ScanRows(MatrixView<const float> rows, Metric metric, bool is_second, float unit, const char* name);

    MatrixView<const float> rows;
    Metric metric;
    std::size_t dim;              // columns of a panel
    std::vector<double> lengths;  // upper bounds, as scanned; infinite where no bound on the error holds
    double longest = 0;
    float unit;

    void pack(std::size_t first, std::size_t count, std::size_t width, float* panels) const;

private:
    bool is_second_;
    std::vector<float> squared_;
};

/// One set, to be compared with one after another.
class FloatPanels {
public:
    FloatPanels(MatrixView<const float> descriptors, Metric metric, const char* name);

    const kernels::Table& kernels;
    const ScanRows set;
    const float* panel(std::size_t first_row) const { return panels_.data() + first_row * set.dim; }

private:
    AlignedBuffer<float> panels_;
};

/// The nearest row of the other set, the first of equally near ones, and bounds on the score of the second.
struct FloatNeighbour {
    std::int64_t index = -1;
    double least_second = 0, most_second = 0;
};

struct FloatNeighbours {
    std::vector<FloatNeighbour> forward;  // of the panels' rows
    std::vector<std::int64_t> backward;   // of set1's
};

/// What search(set0, set1, 1) and search(set1, set0, 1) find, by the panels' metric, in one pass over float
/// scores. Where two scores are closer than their error, the row in question is searched for exactly. Neither
/// set may be empty.
FloatNeighbours nearest_by_score(const FloatPanels& set0, MatrixView<const float> set1, const char* name1,
                                 Executor& executor);

}  // namespace hcbir
