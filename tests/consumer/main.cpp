// Searches a small database, evaluates the ranking, and compares both with answers worked out by hand.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <hcbir/evaluation.hpp>
#include <hcbir/isa.hpp>
#include <hcbir/search.hpp>
#include <hcbir/version.hpp>

namespace {

bool all_held = true;

void check(bool holds, const char* what) {
    if (!holds) std::printf("FAILED: %s\n", what);
    all_held = all_held && holds;
}

}  // namespace

int main() {
    const std::vector<float> database{1, 0, 0, 1, 1, 1, -1, 0};  // 4 rows of 2
    const std::vector<float> queries{1, 0.5f, -1, 0};            // 2 rows
    std::vector<float> scores(8);
    std::vector<std::int64_t> indices(8);
    hcbir::PoolExecutor executor(2);
    hcbir::search({queries.data(), 2, 2}, {database.data(), 4, 2}, 4, hcbir::Metric::dot,
                  {scores.data(), 2, 4}, {indices.data(), 2, 4}, executor);
    check(indices == std::vector<std::int64_t>{2, 0, 1, 3, 3, 1, 0, 2}, "rankings");
    check(scores == std::vector<float>{1.5f, 1, 0.5f, -1, 1, 0, -1, -1}, "scores");

    const std::vector<std::int64_t> positives{0, 3, 1}, offsets{0, 2, 3}, cutoffs{1, 2};
    std::vector<double> ap(2), precisions(4);
    const hcbir::GroundTruth truth{{positives, offsets}, {}};
    const hcbir::EvaluationOptions options{hcbir::Interpolation::rectangle, cutoffs};
    hcbir::evaluate_rankings(hcbir::MatrixView<const std::int64_t>(indices.data(), 2, 4), truth, options,
                             {ap, {precisions.data(), 2, 2}}, executor);
    check(ap == std::vector<double>{(1.0 / 2 + 2.0 / 4) / 2, 1.0 / 2}, "average precision");
    check(precisions == std::vector<double>{0, 0.5, 0, 0.5}, "precision at 1 and 2");

    try {
        hcbir::search({queries.data(), 2, 2}, {database.data(), 4, 2}, 5, hcbir::Metric::dot,
                      {scores.data(), 2, 4}, {indices.data(), 2, 4}, executor);
        check(false, "k = 5 of 4 rows is refused");
    } catch (const std::invalid_argument& error) {
        check(std::string_view(error.what()).find("k must be") == 0, "the error names k");
    }

    std::printf("hcbir %s %s\n", hcbir::version(), hcbir::isa().c_str());
    return all_held ? 0 : 1;
}
