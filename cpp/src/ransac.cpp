#include "ransac.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "false_alarms.hpp"
#include "frame_hypotheses.hpp"
#include "kernels/dispatch.hpp"
#include "match_columns.hpp"
#include "match_window.hpp"
#include "most_likely_model.hpp"

namespace hcbir {
namespace {

/// Windows of the matches in random order: in a small one neighbours are far apart and determine a model
/// well, in a large one neighbours of a true match are true more often. The second is for matches of which
/// the first found some to agree.
constexpr std::size_t windows[] = {32, 128, kernels::max_window};
/// Of so few matches a model needs none beside its sample.
constexpr std::size_t few_matches = 16;
/// Samples of a seed and its neighbours.
constexpr std::size_t similarities = 6, affinities = 15, homographies = 16;
/// A sample's points are this multiple of max_error apart, but not more than so much, in units of which
/// sqrt(2) is the spread of all points.
constexpr double separation = 2, max_separation = 0.05;
/// Proposals whose cost is so many outliers above that of the best proposal are optimised too, if their seed
/// does not lead to the best model: a few matches say little of what a model grows into.
constexpr float proposal_slack = 2;
/// Of the similarities that features propose, so many are optimised; matches bear them out up to this
/// multiple of max_error.
constexpr std::size_t optimised_frames = 8;
constexpr double frame_bound = 3, frame_bounds[] = {5, 4};
/// Local optimisation: multiples of max_error within which matches take part, from round to round. The first
/// rounds let a model grow from where it was sampled; the second keep to what it explains.
constexpr double growing_bounds[] = {5, 4, 3, 2, 1.5, 1, 1, 1}, keeping_bounds[] = {1, 1, 1, 1, 1, 1};
/// A model that has grown: of the matches that took part, this share are inliers.
constexpr double grown_share = 0.9;
/// Matches beside a sample from which a model may grow.
constexpr std::size_t growing_support = 2;
/// Of still fewer it grows again, from farther and farther.
constexpr std::size_t fewest_inliers = 6;
constexpr double most_false_alarms = 3;  // log10: part of a true model looks no better
constexpr double farther_bounds[] = {25, 20, 15, 12, 10, 8, 6};
/// A homography's perspective (g, h) is expected to be of this size while few matches determine it.
constexpr double usual_perspective = 0.3;
/// A model has few inliers if these are fewer samples. It may grow farther, since it may explain a part of
/// the true matches only.
constexpr std::size_t few_inliers = 10;
/// The polish then reaches to this multiple of max_error; it stands if it keeps that share of the inliers.
constexpr double polish_reach = 3;
constexpr double polish_share = 0.98;
constexpr std::size_t sampled_successes = 4;  // at least, of seeds that lead to the best model
constexpr float infinity = std::numeric_limits<float>::infinity();

class Estimator {
public:
    Estimator(const PointMatches& matches, const MatchTurns& turns, double max_error, double unit,
              const VerifyOptions& options)
        : options_(options),
          matches_(matches),
          kernels_(kernels::active()),
          count_(matches.size()),
          max_error_(max_error),
          unit_(unit),
          needed_successes_(-std::log1p(-options.confidence)),
          order_(options.exhaustive ? in_order(count_) : shuffled(count_, options.seed)),
          exact_(matches, order_),
          points_(exact_),
          squared_errors_(count_),
          is_inlier_(count_ + 1) {
        seeds_.reserve(count_);
        for (const std::uint32_t i : order_) {
            if (turns.scale.empty()) break;
            turns_[0].push_back(static_cast<float>(std::log(turns.scale[i])));
            turns_[1].push_back(static_cast<float>(turns.scale[i] * std::cos(turns.angle[i])));
            turns_[2].push_back(static_cast<float>(turns.scale[i] * std::sin(turns.angle[i])));
        }
    }

    RansacResult run() {
        for (const std::size_t size : windows) {
            if (size == windows[1] && size < count_ && num_successes_ == 0) continue;
            if (!search(0, std::min(size, count_)) || size >= count_) return result();
        }
        for (std::size_t begin = kernels::max_window; begin < count_; begin += kernels::max_window) {
            const std::size_t size = std::min(kernels::max_window, count_ - begin);
            if (!search(count_ - begin - size < few_matches ? count_ - size : begin, size)) break;
        }
        return result();
    }

    /// The same from the similarities of some matches' features.
    RansacResult run_frames(const PointMatches& matches, const MatchTurns& turns,
                            std::span<const std::uint32_t> chosen) {
        num_trials_ = count_;
        for (const std::uint32_t match : chosen) {
            Matrix3 model = similarity_of_frame(matches, turns, match);
            if (is_inlier_[match] || !is_plausible(model, unit_)) continue;
            for (const double multiple : frame_bounds)
                if (const auto fitted = fit(GeometricModel::similarity, model, multiple * max_error_, 1))
                    model = fitted->model;
            grow(model, false);
        }
        return result();
    }

private:
    /// A match that was a seed, and its neighbours; `count_` where there is none.
    struct Seed {
        std::size_t match;
        std::array<std::uint32_t, kernels::num_neighbours> neighbours;
    };

    /// Tries each match of a window as a seed; false if that is enough.
    bool search(std::size_t begin, std::size_t size) {
        window_.sort(points_, turns_, begin, size);
        const double apart = std::min(separation * max_error_, max_separation);
        for (std::size_t i = 0, known = 0; i < size; ++i) {
            if (num_trials_ >= options_.max_trials || is_enough()) return false;
            if (i == known) {
                known = std::min(size, i + most_seeds());
                window_.find_neighbours(i, known, static_cast<float>(apart * apart), squared_bound());
            }
            const Seed seed{begin + i, window_.neighbours(i, static_cast<std::uint32_t>(count_))};
            if (seed.neighbours[needed_neighbours() - 1] == count_) continue;
            try_seed(seed, size <= windows[0], !needs_support() || window_.may_have_support(i));
        }
        return true;
    }

    /// As many can still be tried, if all have neighbours.
    std::size_t most_seeds() const {
        const std::size_t trials = options_.model == GeometricModel::similarity ? similarities : affinities;
        return (options_.max_trials - num_trials_ + trials - 1) / trials;
    }

    void try_seed(const Seed& seed, bool far_apart, bool may_have_affine) {
        seeds_.push_back(seed);
        const bool success = is_success(seed);
        num_successes_ += success;
        // Over a small neighbourhood a homography is nearly affine.
        const bool with_homography = options_.model == GeometricModel::homography && far_apart;
        const bool is_similarity = options_.model == GeometricModel::similarity;
        // The samples of a seed that leads to a model that has grown would lead there again, or nearly: a few
        // are tried all the same, since some way there may end in a better place.
        const bool leads_there = success && best_has_grown_ && num_successes_ > sampled_successes;
        if (leads_there || !(may_have_affine || is_similarity || with_homography)) {
            count_samples((is_similarity ? similarities : affinities) + (with_homography ? homographies : 0));
            return;
        }
        kernels::Neighbourhood around;
        float* relative[] = {around.x0, around.y0, around.x1, around.y1};
        for (std::size_t c = 0; c < 4; ++c)
            for (std::size_t k = 0; k < kernels::num_neighbours; ++k)
                relative[c][k] = points_[c][seed.neighbours[k]] - points_[c][seed.match];
        const auto consider = [&](auto propose, std::size_t num_samples) {
            consider_proposal(propose, count_samples(num_samples), around, seed.match, success);
        };
        if (is_similarity)
            consider(kernels_.propose_similarity, similarities);
        else if (may_have_affine)
            consider(kernels_.propose_affine, affinities);
        else
            count_samples(affinities);
        if (with_homography) consider(kernels_.propose_homography, homographies);
    }

    /// As many as may still be tried.
    std::size_t count_samples(std::size_t number) {
        number = std::min(number, options_.max_trials - num_trials_);
        num_trials_ += number;
        return number;
    }

    void consider_proposal(decltype(kernels::Table::propose_affine) propose, std::size_t num_samples,
                           const kernels::Neighbourhood& around, std::size_t match, bool success) {
        const auto proposal = propose(around, num_samples, needs_support(), squared_bound());
        if (!proposal.found) return;
        Matrix3 relative;
        std::copy(std::begin(proposal.model), std::end(proposal.model), relative.begin());
        const auto model =
            moved(relative, exact_[0][match], exact_[1][match], exact_[2][match], exact_[3][match]);
        if (!model || !is_plausible(*model, unit_)) return;
        const float bar = best_proposal_cost_ + (success ? 0 : proposal_slack * squared_bound());
        const kernels::Residuals found = score(*model, bar);
        if (!(found.cost < bar)) return;
        best_proposal_cost_ = std::min(best_proposal_cost_, found.cost);
        take_if_better(*model, found);
        grow(*model, success);
    }

    /// Optimises a proposal.
    void grow(const Matrix3& model, bool success) {
        const float before = marked_cost_;
        if (optimize(model, growing_bounds, growing_way_, success))
            optimize(model, keeping_bounds, keeping_way_, success);
        if (best_cost_ < before) mark_inliers();
    }

    /// Optimises the best model from farther and farther, as long as one of these ways leads to a better one.
    void grow_again() {
        const std::span<const double> all = farther_bounds;
        for (float before = infinity; best_cost_ < before;) {
            before = best_cost_;
            for (std::size_t rounds = 1; rounds <= all.size(); rounds += 2) {
                Matrix3 model = best_;
                for (const double multiple : all.last(rounds))
                    if (const auto fitted =
                            fit(options_.model, model, multiple * max_error_, growing_support))
                        model = fitted->model;
                if (optimize(model, growing_bounds, growing_way_, true))
                    optimize(model, keeping_bounds, keeping_way_, true);
            }
        }
        mark_inliers();
    }

    /// Those of the smallest samples, and one for support.
    std::size_t needed_neighbours() const {
        return std::min<std::size_t>(sample_size(options_.model), 3) - 1 + needs_support();
    }
    std::uint32_t needs_support() const { return count_ > few_matches; }
    float squared_bound() const { return static_cast<float>(max_error_ * max_error_); }

    kernels::Residuals score(const Matrix3& model, float max_cost) const {
        kernels::Model rounded;
        std::copy(model.begin(), model.end(), rounded);
        return kernels_.residuals(rounded, points_.pairs(1), squared_bound(), max_cost);
    }

    void take_if_better(const Matrix3& model, const kernels::Residuals& found) {
        if (!(found.cost < best_cost_) || found.num_inliers < sample_size(options_.model)) return;
        best_ = model, best_cost_ = found.cost, best_inliers_ = found.num_inliers;
    }

    struct Fit {
        Matrix3 model;
        std::size_t num_used;
    };

    /// Matches used in each round of a local optimisation.
    using Way = std::array<std::size_t, std::size(growing_bounds)>;

    /// Least squares over the matches within multiples of max_error, from round to round, until these are the
    /// same; once the model has grown, over its inliers at once. From the seed of a `success` only until the
    /// matches are as many as in the run that led to the best model: the rest would hardly differ. Whether
    /// another way may lead elsewhere.
    bool optimize(Matrix3 model, std::span<const double> bounds, Way& best_way, bool success) {
        Way way{};
        const float before = best_cost_;
        std::size_t used_before = 0;
        bool has_grown = false;
        for (std::size_t round = 0; round < bounds.size(); ++round) {
            if (has_grown && bounds[round] > 1) continue;
            const auto fitted = fit(options_.model, model, bounds[round] * max_error_, growing_support);
            if (!fitted) return false;
            model = fitted->model;
            way[round] = fitted->num_used;
            if (success && way[round] == best_way[round]) break;
            const kernels::Residuals found = score(model, best_cost_);
            take_if_better(model, found);
            if (bounds[round] == 1 && way[round] == used_before) break;
            used_before = way[round];
            has_grown |=
                bounds[round] > 1 && !has_few(found.num_inliers) &&
                static_cast<double>(found.num_inliers) >= grown_share * static_cast<double>(used_before);
        }
        if (best_cost_ < before) best_way = way, best_has_grown_ = has_grown;
        return !has_grown;
    }

    /// Takes the most likely model that keeps the inliers. From few of them it reaches farther at first: true
    /// matches may lie just beyond.
    void polish() {
        const double least = polish_share * static_cast<double>(best_inliers_);
        for (const double reach : {polish_reach, 1.0}) {
            if (reach > 1 && !has_few(best_inliers_)) continue;
            const Columns<double> near(exact_, matches_within(2 * reach * max_error_));
            const auto model =
                most_likely_model(options_.model, best_, near, reach * max_error_, max_error_, unit_);
            if (!model || static_cast<double>(score(*model, infinity).num_inliers) < least) continue;
            best_ = *model;
            return;
        }
    }

    /// Matches whose error under the best model is below `bound`.
    std::vector<std::uint32_t> matches_within(double bound) const {
        std::vector<std::uint32_t> found(count_);
        std::size_t number = 0;  // without branches: nothing tells which are
        for (std::size_t i = 0; i < count_; ++i) {
            found[number] = static_cast<std::uint32_t>(i);
            number += squared_errors_[i] < bound * bound;
        }
        found.resize(number);
        return found;
    }

    /// Whether more matches agree on the best model than on most models of wrong ones.
    bool may_be_true() const {
        return log10_nfa(count_, best_inliers_, sample_size(options_.model),
                         share_by_chance(matches_, max_error_)) < most_false_alarms;
    }

    bool has_few(std::size_t num_inliers, std::size_t samples = few_inliers) const {
        return num_inliers < samples * sample_size(options_.model);
    }

    /// A step of least squares over the matches within `bound` of the model, if there are `support` beside a
    /// sample.
    std::optional<Fit> fit(GeometricModel type, const Matrix3& model, double bound,
                           std::size_t support) const {
        kernels::NormalSums sums;
        kernels::Model rounded;
        std::copy(model.begin(), model.end(), rounded);
        kernels_.normal_sums(rounded, points_.pairs(16), static_cast<float>(bound * bound),
                             type == GeometricModel::homography, sums);
        return fit(type, model, sums, support, std::pow(max_error_ / usual_perspective, 2));
    }

    std::optional<Fit> fit(GeometricModel type, const Matrix3& model, const kernels::NormalSums& sums,
                           std::size_t support, double prior) const {
        if (sums.num_used < sample_size(type) + support) return std::nullopt;
        const auto fitted = gauss_newton_step(type, sums, model, prior);
        if (!fitted || !is_plausible(*fitted, unit_)) return std::nullopt;
        return Fit{*fitted, sums.num_used};
    }

    void mark_inliers() {
        marked_cost_ = best_cost_;
        kernels_.squared_errors(best_.data(), exact_.pairs(1), squared_errors_.data());
        for (std::size_t i = 0; i < count_; ++i) is_inlier_[i] = squared_errors_[i] < max_error_ * max_error_;
        num_successes_ = 0;
        for (const Seed& seed : seeds_) num_successes_ += is_success(seed);
    }

    /// Whether a sample of this seed and its neighbours consists of inliers of the best model, and has
    /// support.
    bool is_success(const Seed& seed) const {
        if (!is_inlier_[seed.match]) return false;
        std::size_t among = 0;
        for (const std::uint32_t neighbour : seed.neighbours) among += is_inlier_[neighbour];
        return among >= needed_neighbours();
    }

    /// Whether a model that as many seeds lead to as to the best one would have been met. That none of S
    /// seeds is among m of n drawn without replacement has the (hypergeometric) probability C(n - S, m) /
    /// C(n, m), at most (1 - S / n)^m and that at most exp(-S m / n), where S m / n are those that succeeded.
    /// The bound stands in for it: of few draws S is known too badly to stop sooner.
    bool is_enough() const {
        return num_trials_ >= options_.min_trials && static_cast<double>(num_successes_) >= needed_successes_;
    }

    RansacResult result() {
        if (best_inliers_ < sample_size(options_.model)) return {std::nullopt, num_trials_};
        if (has_few(best_inliers_, fewest_inliers) && may_be_true()) grow_again();
        polish();
        return {best_, num_trials_};
    }

    const VerifyOptions& options_;
    const PointMatches& matches_;
    const kernels::Table& kernels_;
    const std::size_t count_;
    const double max_error_, unit_, needed_successes_;
    const std::vector<std::uint32_t> order_;
    const Columns<double> exact_;
    const Columns<float> points_;
    std::vector<float> turns_[3];          // as kernels::Turns, or empty
    std::vector<double> squared_errors_;   // under the best model
    std::vector<std::uint8_t> is_inlier_;  // of the best model; one more for no match
    MatchWindow window_;
    std::vector<Seed> seeds_;
    std::size_t num_trials_ = 0, num_successes_ = 0, best_inliers_ = 0;
    Matrix3 best_{};
    bool best_has_grown_ = false;
    Way growing_way_{}, keeping_way_{};  // that led to it
    float best_cost_ = std::numeric_limits<float>::infinity(),
          best_proposal_cost_ = std::numeric_limits<float>::infinity(),
          marked_cost_ = std::numeric_limits<float>::infinity();  // of the model that is_inlier_ tells of
};

}  // namespace

RansacResult ransac(const PointMatches& matches, const MatchTurns& turns, double max_error, double unit,
                    const VerifyOptions& options) {
    if (!options.exhaustive) return Estimator(matches, turns, max_error, unit, options).run();
    const auto best = best_frames(matches, turns, frame_bound * max_error, optimised_frames);
    if (best.empty()) return {std::nullopt, matches.size()};  // as of most pairs of images
    return Estimator(matches, {}, max_error, unit, options).run_frames(matches, turns, best);
}

}  // namespace hcbir
