// Verification and evaluation without Python, made to run under sanitizers: random and degenerate input,
// every level, several threads.
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "hcbir/candidates.hpp"
#include "hcbir/evaluation.hpp"
#include "hcbir/isa.hpp"

namespace {

using Points = std::vector<float>;

std::mt19937 engine(1);

double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine); }
std::size_t below(std::size_t n) { return engine() % n; }

struct PointSets {
    Points first, second;
};

/// Points of which `place` draws the first, and of which most of the second follow a projective map.
PointSets matched_points(std::size_t n, double extent,
                         const std::function<void(double& x, double& y)>& place) {
    PointSets sets;
    for (std::size_t i = 0; i < n; ++i) {
        double x = uniform(0, extent), y = uniform(0, extent);
        place(x, y);
        const bool true_pair = uniform(0, 1) < 0.6;
        const double w = 1 + 0.1 * x / extent;
        const double u = true_pair ? (0.9 * x - 0.2 * y) / w : uniform(0, extent);
        const double v = true_pair ? (0.2 * x + 0.9 * y) / w : uniform(0, extent);
        for (double value : {x, y}) sets.first.push_back(static_cast<float>(value));
        for (double value : {u, v}) sets.second.push_back(static_cast<float>(value));
    }
    return sets;
}

PointSets draw_points(std::size_t n, std::size_t kind) {
    const auto snapped = [](double step) {
        return [step](double& x, double& y) {
            x = std::round(x / step) * step, y = std::round(y / step) * step;
        };
    };
    switch (kind) {
        case 0:
            return matched_points(n, 1000, [](double&, double&) {});
        case 1:
            return matched_points(n, 1000, snapped(200));  // many coincide
        case 2:
            return matched_points(n, 1000, [](double& x, double& y) { y = 2 * x; });  // on a line
        case 3:
            return matched_points(n, 1000, [](double& x, double& y) { x = y = 7; });  // one point
        case 4:
            return matched_points(n, 1e30, [](double&, double&) {});
        case 5:
            return matched_points(n, 1e-30, [](double&, double&) {});
        default: {  // mirrored
            PointSets sets = matched_points(n, 1000, [](double&, double&) {});
            for (std::size_t i = 0; i < n; ++i) sets.second[2 * i] = -sets.second[2 * i];
            return sets;
        }
    }
}

bool same(const hcbir::Verification& a, const hcbir::Verification& b) {
    return a.num_inliers == b.num_inliers && a.num_trials == b.num_trials && a.inlier_mask == b.inlier_mask &&
           std::memcmp(a.model.data(), b.model.data(), sizeof a.model) == 0;
}

void test_verify() {
    std::size_t found = 0;
    for (std::size_t round = 0; round < 700; ++round) {
        const std::size_t kind = round % 7, n = below(round % 50 ? 70 : 3000);
        const PointSets sets = draw_points(n, kind);
        hcbir::VerifyOptions options;
        options.model = static_cast<hcbir::GeometricModel>(below(3));
        options.seed = engine();
        options.max_trials = 300;
        options.max_error = kind == 5 ? 1e-33 : uniform(0.01, 20);
        std::vector<hcbir::Verification> results;
        for (const auto& level : hcbir::available_isas()) {
            hcbir::use_isa(level);
            results.push_back(hcbir::verify({sets.first.data(), n, 2}, {sets.second.data(), n, 2}, options));
            std::size_t counted = 0;
            for (const auto inlier : results.back().inlier_mask) counted += inlier;
            check(counted == results.back().num_inliers && results.back().inlier_mask.size() == n,
                  "mask and count");
            check(counted == 0 || std::isfinite(results.back().model[0]), "inliers have a model");
            check(same(results.front(), results.back()), "same bits at every level");
        }
        found += results.front().num_inliers > 4;
    }
    check(found > 100, "models are found");

    const float not_finite[] = {1, 2, NAN, 4};
    bool caught = false;
    try {
        hcbir::verify({not_finite, 2, 2}, {not_finite, 2, 2}, {});
    } catch (const std::invalid_argument&) {
        caught = true;
    }
    check(caught, "NaN is refused");
}

void test_candidates() {
    for (int round = 0; round < 40; ++round) {
        const bool binary = round % 2;
        const std::size_t dim = 1 + below(40);
        std::vector<Points> points(9), floats(9);
        std::vector<std::vector<std::uint8_t>> bytes(9);
        std::vector<hcbir::LocalFeaturesView> views(9);
        for (std::size_t i = 0; i < views.size(); ++i) {
            const std::size_t n = i == 4 ? 0 : below(90);
            points[i].resize(2 * n), floats[i].resize(n * dim), bytes[i].resize(n * dim);
            for (float& x : points[i]) x = static_cast<float>(uniform(0, 500));
            for (float& x : floats[i]) x = static_cast<float>(std::round(uniform(-3, 3)));
            for (auto& x : bytes[i]) x = static_cast<std::uint8_t>(engine());
            views[i].keypoints = {points[i].data(), n, 2};
            if (binary)
                views[i].descriptors = hcbir::BinaryDescriptors{{bytes[i].data(), n, dim}};
            else
                views[i].descriptors = hcbir::MatrixView<const float>(floats[i].data(), n, dim);
        }
        std::vector<hcbir::CandidateVerification> parallel(9), serial(9);
        hcbir::PoolExecutor pool(5);
        hcbir::SerialExecutor one;
        hcbir::verify_candidates(views[0], views, {}, parallel, pool);
        hcbir::verify_candidates(views[0], views, {}, serial, one);
        for (std::size_t c = 0; c < 9; ++c)
            check(parallel[c].num_inliers == serial[c].num_inliers, "same for every thread count");
    }
}

void test_evaluation() {
    const std::size_t num_queries = 50, num_images = 700;
    std::vector<float> scores(num_queries * num_images);
    for (float& score : scores) score = static_cast<float>(std::round(uniform(0, 50)));  // many are equal
    std::vector<std::int64_t> positives, offsets{0};
    for (std::size_t q = 0; q < num_queries; ++q) {
        for (std::size_t i = below(40); i < num_images; i += 1 + below(200 / (1 + q)))
            positives.push_back(static_cast<std::int64_t>(i));
        offsets.push_back(static_cast<std::int64_t>(positives.size()));
    }
    const std::int64_t cutoffs[] = {1, 5, 10};
    std::vector<std::vector<double>> found;
    for (std::size_t threads : {1, 2, 7}) {
        hcbir::PoolExecutor executor(threads);
        std::vector<double> ap(num_queries), precision(num_queries * 3);
        hcbir::evaluate_scores(hcbir::MatrixView<const float>(scores.data(), num_queries, num_images),
                               {{positives, offsets}, {}}, {hcbir::Interpolation::rectangle, cutoffs},
                               {ap, {precision.data(), num_queries, 3}}, executor);
        for (const double value : ap) check(value > 0 && value <= 1, "an average precision");
        found.push_back(ap);
    }
    check(found[0] == found[1] && found[1] == found[2], "same for every thread count");
}

}  // namespace

int main() {
    test_verify();
    test_candidates();
    test_evaluation();
    std::puts("ok");
}
