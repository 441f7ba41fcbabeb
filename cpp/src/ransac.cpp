#include "ransac.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dispatch.hpp"
#include "random.hpp"

namespace hcbir {
namespace {

constexpr double max_stretch = 20;
/// Local optimisation: multiples of max_error within which matches take part, from round to round.
constexpr double optimization_bounds[] = {3.0, 2.0, 1.5, 1.0};
/// The polish reaches farther than the inliers: cut at max_error, it would forget the tail of their errors.
constexpr double polish_bound = 3.0;
constexpr int polish_rounds = 10;

class Estimator {
public:
    Estimator(const PointMatches& matches, double max_error, double unit, const VerifyOptions& options)
        : matches_(matches),
          max_error_(max_error),
          unit_(unit),
          options_(options),
          sample_size_(sample_size(options.model)),
          residuals_(kernels::active().residuals),
          weights_(matches.size()) {
        for (auto [from, to] : {std::pair{&matches.x0, &x0_}, std::pair{&matches.y0, &y0_},
                                std::pair{&matches.x1, &x1_}, std::pair{&matches.y1, &y1_}})
            to->assign(from->begin(), from->end());
    }

    RansacResult run() {
        RansacResult result;
        std::size_t needed = options_.max_trials;
        while (result.num_trials < needed) {
            if (!try_sample(result.num_trials++)) continue;
            optimize();
            needed = std::clamp(trials_needed(), std::min(options_.min_trials, options_.max_trials),
                                options_.max_trials);
        }
        if (best_inliers_ < sample_size_) return result;
        polish();
        result.model = best_;
        return result;
    }

private:
    /// Whether the sample of this trial gives a model better than the best.
    bool try_sample(std::size_t trial) {
        CounterRandom random(options_.seed, trial);
        std::array<std::size_t, 4> sample{};
        for (std::size_t i = 0; i < sample_size_;) {
            sample[i] = random.below(static_cast<std::uint32_t>(matches_.size()));
            const auto end = sample.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::find(sample.begin(), end, sample[i]) == end) ++i;
        }
        if (options_.model != GeometricModel::homography) return try_model(options_.model, sample);
        // A homography is nearly affine over a part of the image, and three pairs are right more often than
        // four.
        const bool improved = try_model(GeometricModel::affine, sample);
        return try_model(GeometricModel::homography, sample) || improved;
    }

    bool try_model(GeometricModel type, std::span<const std::size_t> sample) {
        const auto model = fit_sample(type, matches_, sample.first(sample_size(type)));
        return model && is_plausible(*model, unit_, max_stretch) && consider(*model);
    }

    /// Takes the model if its cost is below the best one's.
    bool consider(const Matrix3& model) {
        kernels::Model rounded;
        std::copy(model.begin(), model.end(), rounded);
        const auto bound = static_cast<float>(max_error_ * max_error_);
        const auto found =
            residuals_(rounded, {x0_.data(), y0_.data(), x1_.data(), y1_.data(), matches_.size()}, bound);
        if (!(found.cost < best_cost_) || found.num_inliers < sample_size_) return false;
        best_ = model, best_cost_ = found.cost, best_inliers_ = found.num_inliers;
        return true;
    }

    /// Least squares over the matches that the model explains, the bound drawn in from round to round.
    void optimize() {
        Matrix3 model = best_;
        for (const double multiple : optimization_bounds) {
            const auto fitted = fit(model, multiple * max_error_, false);
            if (!fitted) return;
            model = *fitted;
            consider(model);
        }
    }

    /// Robust least squares until nothing improves: the weight of a match falls smoothly to 0 (Tukey's
    /// biweight), so that no single match tips the model. A result that loses inliers is not taken.
    void polish() {
        Matrix3 model = best_;
        for (int round = 0; round < polish_rounds; ++round) {
            const auto fitted = fit(model, polish_bound * max_error_, true);
            if (!fitted) return;
            model = *fitted;
        }
        const std::size_t inliers = best_inliers_;
        const double cost = best_cost_;
        best_cost_ = std::numeric_limits<double>::infinity();
        const Matrix3 before = best_;
        if (!consider(model) || best_inliers_ < inliers)
            best_ = before, best_inliers_ = inliers, best_cost_ = cost;
    }

    /// Weighted fit to the matches within `bound` of the model.
    std::optional<Matrix3> fit(const Matrix3& model, double bound, bool biweight) {
        std::size_t used = 0;
        for (std::size_t i = 0; i < matches_.size(); ++i) {
            const double ratio =
                squared_error(model, matches_.x0[i], matches_.y0[i], matches_.x1[i], matches_.y1[i]) /
                (bound * bound);
            weights_[i] = ratio < 1 ? (biweight ? (1 - ratio) * (1 - ratio) : 1.0) : 0.0;
            used += ratio < 1;
        }
        if (used < sample_size_) return std::nullopt;
        const auto fitted = fit_weighted(options_.model, matches_, weights_, model);
        return fitted && is_plausible(*fitted, unit_, max_stretch) ? fitted : std::nullopt;
    }

    /// Trials after which a sample of inliers alone has been drawn with the confidence asked for.
    std::size_t trials_needed() const {
        double all_inliers = 1;
        for (std::size_t i = 0; i < sample_size_; ++i)
            all_inliers *= static_cast<double>(best_inliers_ - i) / static_cast<double>(matches_.size() - i);
        if (all_inliers >= 1) return 1;
        const double trials = std::ceil(std::log1p(-options_.confidence) / std::log1p(-all_inliers));
        return trials < static_cast<double>(options_.max_trials) ? static_cast<std::size_t>(trials)
                                                                 : options_.max_trials;
    }

    const PointMatches& matches_;
    const double max_error_, unit_;
    const VerifyOptions& options_;
    const std::size_t sample_size_;
    decltype(kernels::Table::residuals) residuals_;
    std::vector<float> x0_, y0_, x1_, y1_;
    std::vector<double> weights_;
    Matrix3 best_{};
    double best_cost_ = std::numeric_limits<double>::infinity();
    std::size_t best_inliers_ = 0;
};

}  // namespace

RansacResult ransac(const PointMatches& matches, double max_error, double unit,
                    const VerifyOptions& options) {
    return Estimator(matches, max_error, unit, options).run();
}

}  // namespace hcbir
