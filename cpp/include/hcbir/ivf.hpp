// Inverted lists of product-quantised vectors (Jegou, Douze and Schmid 2011): a vector stands in the list of
// its nearest centroid, as the code of what it differs from that centroid by; a query reads a few lists.
#pragma once

#include <cstdint>
#include <span>

#include "hcbir/pq.hpp"

namespace hcbir {

/// Codes sorted by list: those of list l are rows offsets[l] .. offsets[l + 1] - 1.
struct InvertedLists {
    MatrixView<const std::uint8_t> codes;
    std::span<const std::int64_t> ids;  // one a code, what a result calls it
    std::span<const std::int64_t>
        offsets;                        // one a list and one more, ascending from 0 to the number of codes
    std::span<const float> terms = {};  // for l2, list_terms() of the codes
};

/// An index's lists, which may come in several parts that were added one after another.
struct IvfView {
    const ProductQuantizer& quantizer;  // of the differences
    MatrixView<const float> centroids;  // one a list
    std::span<const InvertedLists> parts;
    Metric metric = Metric::dot;         // dot or l2
    std::span<const float> origin = {};  // for l2, the point from which vectors are seen: dim values
};

/// With o = index.origin, the part of -|q - x|^2 = -|q - c|^2 + 2 (q - o) . r - (|r|^2 + 2 (c - o) . r) that
/// no query changes, for x = c + r: terms[i] = |r|^2 + 2 (c - o) . r of code i, which stands for r, in list
/// lists[i] of centroid c. In double, but for c - o; rounded to float. An origin among the vectors keeps the
/// products small.
void list_terms(const IvfView& index, MatrixView<const std::uint8_t> codes,
                std::span<const std::int64_t> lists, std::span<float> terms, Executor& executor);

/// The k best of the codes in the lists that `probes` (queries.rows x any number, lists that differ) names
/// for each query, best first, codes of equal score by ascending id; where there are fewer, -infinity and -1
/// follow. The score of a code that stands for r in the list of c is, for dot, the sum of table entries for
/// q . r plus q . c; for l2 the sum of table entries for (2 (q - o)) . r plus -|q - c|^2, less the code's
/// term. The last products are doubles rounded to float, the rest is in float and in a fixed order
/// (adc_tables.hpp), so the result is the same for every number of threads, every batch and every instruction
/// level.
///
/// Throws std::invalid_argument for what does not fit.
void search(const IvfView& index, MatrixView<const float> queries, MatrixView<const std::int64_t> probes,
            std::size_t k, MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
