// Rows as a float scan of scores takes them.
#pragma once

#include <vector>

#include "hcbir/search.hpp"
#include "hcbir/types.hpp"
#include "panels.hpp"

namespace hcbir {

/// Products of such rows, in float, grow with the metric's score: of the rows for dot, of the rows over their
/// lengths for cosine; for l2 two more columns make each minus half the squared distance.
class ScanRows {
public:
    /// `unit`, a power of two near the rows' length, is the same for both sets. Throws std::invalid_argument
    /// for values that are not finite.
    ScanRows(MatrixView<const float> rows, Metric metric, bool is_second, float unit, const char* name);

    MatrixView<const float> rows;
    Metric metric;
    std::size_t dim;              // columns of a panel
    std::vector<double> lengths;  // upper bounds, as scanned; infinite where no bound on the error holds
    std::vector<float> squared;   // lengths of the rows themselves
    float unit;

    void pack(std::size_t first, std::size_t count, std::size_t width, float* panels) const;
    /// The largest of `count` lengths.
    double longest(std::size_t first, std::size_t count) const;

private:
    bool is_second_;
};

/// A unit for ScanRows.
float scan_unit(MatrixView<const float> rows, Metric metric);

/// Bounds on the difference between a float product of scanned rows and what it stands for: the score, or
/// half of it for l2.
class ScanError {
public:
    explicit ScanError(const ScanRows& set);
    /// Infinite where overflow may be the reason.
    double bound(double length0, double length1) const;

private:
    DotError error_;
    double factor_, unit_;
};

}  // namespace hcbir
