// Geometric verification: the model that most matched points agree on, and how many do.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir {

enum class GeometricModel { similarity, affine, homography };

struct VerifyOptions {
    GeometricModel model = GeometricModel::affine;
    /// Pixels of image 1; an inlier's transfer error is strictly below.
    double max_error = 8.0;
    /// Trials end when another model that as many seeds lead to as to the best one would have been met with
    /// this probability.
    double confidence = 0.999;
    std::size_t min_trials = 50;
    std::size_t max_trials = 10'000;
    std::uint64_t seed = 0;
    /// Of inliers that share a point, in either image, only the one of least error counts.
    bool one_to_one = false;
    /// With features' frames: all similarities that they propose are tried, instead of samples.
    bool exhaustive = false;
};

/// Scales (of any unit) and orientations (radians, from x towards y) of the matched features, one a match.
struct FeatureFrames {
    std::span<const float> scales0, orientations0, scales1, orientations1;
};

struct Verification {
    std::size_t num_inliers = 0;
    std::vector<std::uint8_t> inlier_mask;  // one a pair, 0 or 1
    std::array<double, 9> model{};          // row-major, maps points0 to points1; NaN if none was found
    std::size_t num_trials = 0;
    /// Decimal logarithm of the number of false alarms: how many models, of all that samples of these matches
    /// allow, would be expected to have as many inliers if points1 lay at random in their bounding box
    /// (Moisan and Stival 2004). Where a model shrinks so much that points0 at random would hit points1 more
    /// easily, the geometric mean of both probabilities counts. Matches of one place, a square of side
    /// max_error in each image, count once. Far below 0: not by chance. Infinite if no model was found, or
    /// its inliers lie in no more places than a sample does.
    double log10_nfa = std::numeric_limits<double>::infinity();
};

/// Estimates the model that maps points0 to points1 (both n x 2, pixels, x before y) by RANSAC. Matches in
/// random order (a function of the seed) are taken as seeds; a seed's samples are itself and some of the 6
/// matches nearest to it in both images, because neighbours of a true match are true more often than others:
/// near in one image alone is what wrong matches are by chance. Neighbours are looked for in windows of 32,
/// 128 (if the first led to something) and 512 matches in turn, far apart at first, then near. A seed
/// proposes the model of least cost over its neighbours, and must explain one of them beside the sample if
/// there are more than 16 matches. Proposals are compared by the cost sum of min(error^2, max_error^2) over
/// all matches (MSAC, Torr and Zisserman 2000), and the better ones optimised locally (Chum, Matas and
/// Kittler 2003); one of few inliers, which chance does not explain well, again from farther off, since it
/// may explain a part of the true matches. A homography's samples are tried as affine models too, and such a
/// one stands where the matches determine no more. Last comes the most likely model if the inliers' errors
/// follow Student's t distribution, of 3 degrees of freedom and a scale that is estimated. Mirrored models,
/// and those that stretch by more than 20, are not considered. The inliers are those of the model that is
/// returned, by its errors in double.
///
/// Too few points, or points on a line where the model needs more: no inliers. The result is the same at
/// every instruction level. Throws std::invalid_argument for points that are not finite and for options out
/// of range.
Verification verify(MatrixView<const float> points0, MatrixView<const float> points1,
                    const VerifyOptions& options);

/// The same with the similarity that each match's features propose: the neighbours of a seed are those
/// matches alone that agree with its similarity, in scale to a factor of 1.5, in angle to 30 degrees and in
/// place to 0.6 of the way. Throws too for scales that are not positive.
Verification verify(MatrixView<const float> points0, MatrixView<const float> points1,
                    const FeatureFrames& frames, const VerifyOptions& options);

/// The same for many pairs of images, parallel over them: the matches of pair i are rows offsets[i] to
/// offsets[i + 1], and results[i] is what verify says of these alone. Frames may be empty. Throws too for
/// offsets that do not ascend from 0 to the number of matches.
void verify_many(MatrixView<const float> points0, MatrixView<const float> points1,
                 const FeatureFrames& frames, std::span<const std::int64_t> offsets,
                 const VerifyOptions& options, std::span<Verification> results, Executor& executor);

}  // namespace hcbir
