// One image's descriptors matched with those of one image after another.
#pragma once

#include <optional>
#include <vector>

#include "decode.hpp"
#include "hcbir/match.hpp"
#include "nearest.hpp"
#include "nearest_bits.hpp"

namespace hcbir {

/// What match(descriptors0, ...) needs of the first set, made once.
class Matcher {
public:
    /// The descriptors must outlive this. Throws as match does.
    Matcher(const DescriptorsView& descriptors0, Metric metric, const MatchOptions& options);

    /// `buffer` is for descriptors that must be decoded.
    std::vector<Match> match(const DescriptorsView& descriptors1, std::vector<float>& buffer,
                             Executor& executor) const;

private:
    std::vector<Match> match_float(MatrixView<const float> descriptors1, Executor& executor) const;
    std::vector<Match> match_binary(MatrixView<const std::uint8_t> descriptors1, Executor& executor) const;

    MatchOptions options_;
    std::size_t length_;
    bool is_binary_;
    std::vector<float> decoded_;
    std::optional<NearestSet> floats_;  // neither for a set of none
    std::optional<BitSet> bits_;
};

}  // namespace hcbir
