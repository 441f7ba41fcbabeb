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
        offsets;  // one a list and one more, ascending from 0 to the number of codes
};

/// An index's lists, which may come in several parts that were added one after another.
struct IvfView {
    const ProductQuantizer& quantizer;  // of the differences
    MatrixView<const float> centroids;  // one a list
    std::span<const InvertedLists> parts;
    Metric metric = Metric::dot;  // dot or l2
};

/// The k best of the codes in the lists that `probes` (queries.rows x any number, lists that differ) names
/// for each query, best first, codes of equal score by ascending id; where there are fewer, -infinity and -1
/// follow. The score of a code that stands for y in the list of c is, for dot, the double product q . c
/// rounded to float, plus the sum of table entries for q . (y - c); for l2 the sum of table entries for
/// -|(q - c) - (y - c)|^2; all in float and in a fixed order (adc_tables.hpp), so the result is the same for
/// every number of threads, every batch and every instruction level.
///
/// Throws std::invalid_argument for what does not fit.
void search(const IvfView& index, MatrixView<const float> queries, MatrixView<const std::int64_t> probes,
            std::size_t k, MatrixView<float> scores, MatrixView<std::int64_t> indices, Executor& executor);

}  // namespace hcbir
