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

    /// A flag for each panel of the database, that is set for those of the sample.
    const std::uint8_t* flags() const { return flags_.data(); }
    /// Of the rows that may be found.
    double share() const { return share_; }

    struct Worker {
        ByteScan* scan;
        Candidates* candidates;
    };
    /// Writes to bars[q] a key that the k-th best of each of the group's queries almost surely reaches, or
    /// -infinity, and adds what may reach it to the candidates. Returns whether a scan in bytes is faster
    /// than one in floats.
    bool guess(std::size_t base, std::size_t count, const std::vector<Worker>& workers, float* bars,
               Executor& executor) const;

private:
    struct Panel {
        std::size_t row;  // its first
        CodedRows codes;
    };

    const SearchProblem& problem_;
    std::vector<Panel> panels_;
    std::vector<std::uint8_t> flags_;
    double share_ = 0;
    AlignedBuffer<std::uint8_t> codes_;
    AlignedBuffer<kernels::BytePanel> bounds_;
    AlignedBuffer<float> offsets_;
};

/// Rows of a database's codes of `dim` columns, from the first row of a panel on.
CodedRows coded_rows(const ByteCodes& codes, std::size_t dim, std::size_t row, std::size_t count);

}  // namespace hcbir
