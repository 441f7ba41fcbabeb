// A sample of the rows, read before a scan in bytes: it says what bars the queries will reach, and whether
// bytes pay.
#pragma once

#include <vector>

#include "byte_scan.hpp"

namespace hcbir {

class RowSample {
public:
    /// Some panels of rows, from all over the database; of `codes`, or quantised here (throws NonFinite).
    RowSample(const SearchProblem& problem, const ByteCodes* codes, Executor& executor);

    /// Writes to bars[q] a key that the k-th best of each of the group's queries almost surely reaches, or
    /// -infinity. Returns whether a scan in bytes is faster than one in floats. A ByteScan for each worker.
    bool guess(std::size_t base, std::size_t count, const std::vector<ByteScan*>& scans, float* bars,
               Executor& executor) const;

private:
    struct Panel {
        std::size_t row;  // its first
        CodedRows codes;
    };

    const SearchProblem& problem_;
    std::vector<Panel> panels_;
    double share_ = 0;  // of the rows that may be found
    AlignedBuffer<std::uint8_t> codes_;
    AlignedBuffer<kernels::BytePanel> bounds_;
    AlignedBuffer<float> offsets_;
};

/// Rows of a database's codes of `dim` columns, from the first row of a panel on.
CodedRows coded_rows(const ByteCodes& codes, std::size_t dim, std::size_t row, std::size_t count);

}  // namespace hcbir
