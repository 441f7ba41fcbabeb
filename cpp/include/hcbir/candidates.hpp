// One image's local features matched with those of many images, and verified.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "hcbir/features.hpp"
#include "hcbir/match.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/verify.hpp"

namespace hcbir {

struct CandidateOptions {
    Metric metric = Metric::dot;  // of descriptors that are not binary
    MatchOptions match;
    VerifyOptions verify;
    /// Verify with the scales and orientations of the features; all must have them.
    bool use_frames = false;
    /// A candidate with fewer inliers gets 0, without being verified where it has not even as many matches.
    std::int32_t min_inliers = 0;
};

/// Of one candidate; as in Verification, and as of no matches where it has fewer than min_inliers.
struct CandidateVerification {
    std::int32_t num_inliers = 0;
    double log10_nfa = std::numeric_limits<double>::infinity();
};

/// results[c] = what verify says of match(query, candidates[c]); parallel over candidates. Descriptors are
/// compared as the values they stand for, binary ones with binary ones. A candidate's result depends on
/// nothing but the query, the candidate and the options.
void verify_candidates(const LocalFeaturesView& query, std::span<const LocalFeaturesView> candidates,
                       const CandidateOptions& options, std::span<CandidateVerification> results,
                       Executor& executor);

}  // namespace hcbir
