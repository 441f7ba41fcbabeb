// The kernels of verification promise the same bits at every level: those of the baseline, which the tests of
// verification compare with their reference.
#include <cstring>

#include "kernels.hpp"

namespace {

using namespace hcbir::kernels;

/// Pairs under a similarity with noise, some of them outliers, `extra` more behind the last.
template <class T>
struct Matches {
    std::vector<T> x0, y0, x1, y1;

    Matches(std::size_t count, std::size_t extra) {
        std::normal_distribution<T> value(0, 40), noise(0, T(0.5));
        for (std::size_t j = 0; j < count + extra; ++j) {
            const T x = value(engine), y = value(engine);
            const bool outlier = whole(0, 3) == 0;
            x0.push_back(x), y0.push_back(y);
            x1.push_back(outlier ? value(engine) : T(0.9) * x - T(0.2) * y + noise(engine));
            y1.push_back(outlier ? value(engine) : T(0.2) * x + T(0.9) * y + noise(engine));
        }
    }
    Pairs<T> view(std::size_t count) const { return {x0.data(), y0.data(), x1.data(), y1.data(), count}; }
};

void test_nearest_pairs(const Table& table) {
    for (std::size_t count = 0; count <= 100; ++count)
        for (const bool with_turns : {false, true}) {
            Matches<float> matches(count, 16);
            Floats log_scale = real_floats(count + 16, 0.3f), a = real_floats(count + 16),
                   b = real_floats(count + 16);
            auto& ascending = with_turns ? log_scale : matches.x0;
            std::sort(ascending.begin(), ascending.begin() + static_cast<std::ptrdiff_t>(count));
            const Turns turns = with_turns ? Turns{log_scale.data(), a.data(), b.data()} : Turns{};
            // A level may write for 16 seeds behind the last.
            Indices found(num_neighbours * (count + 16)), expected = found;
            table.nearest_pairs(matches.view(count), turns, 1e-3f, found.data());
            baseline.nearest_pairs(matches.view(count), turns, 1e-3f, expected.data());
            found.resize(num_neighbours * count), expected.resize(found.size());
            agree(found == expected, table, "nearest_pairs", {count});
        }
}

bool same_proposal(const Proposal& a, const Proposal& b) {
    return a.found == b.found && (!a.found || std::memcmp(a.model, b.model, sizeof(Model)) == 0);
}

void test_proposals(const Table& table) {
    for (std::size_t turn = 0; turn < 2000; ++turn) {
        const Matches<float> matches(8, 0);
        Neighbourhood around{};
        std::copy_n(matches.x0.data(), 8, around.x0), std::copy_n(matches.y0.data(), 8, around.y0);
        std::copy_n(matches.x1.data(), 8, around.x1), std::copy_n(matches.y1.data(), 8, around.y1);
        for (std::size_t k = num_neighbours - turn % 3; k < 8; ++k)
            around.x1[k] = around.y1[k] = not_a_number;
        const auto support = static_cast<std::uint32_t>(whole(0, 3));
        const std::size_t few = 1 + turn % 6, some = 1 + turn % 15, many = 1 + turn % 16;
        agree(same_proposal(table.propose_similarity(around, few, support, 4),
                            baseline.propose_similarity(around, few, support, 4)),
              table, "propose_similarity", {turn});
        agree(same_proposal(table.propose_affine(around, some, support, 4),
                            baseline.propose_affine(around, some, support, 4)),
              table, "propose_affine", {turn});
        agree(same_proposal(table.propose_homography(around, many, support, 4),
                            baseline.propose_homography(around, many, support, 4)),
              table, "propose_homography", {turn});
    }
}

template <class T, class Kernel>
void test_sums(const Table& table, const char* name, Kernel kernel) {
    for (std::size_t count = 0; count <= 160; count += 64 / sizeof(T))
        for (const bool projective : {false, true}) {
            const Matches<T> matches(count, 0);
            const T g = projective ? T(0.01) : T(0);
            const T model[9] = {T(0.9), T(-0.2), T(0.1), T(0.2), T(0.9), T(-0.1), g, -g, 1};
            NormalSums found{}, expected{};
            (table.*kernel)(model, matches.view(count), 9, projective, found);
            (baseline.*kernel)(model, matches.view(count), 9, projective, expected);
            agree(std::memcmp(found.values, expected.values, sizeof(found.values)) == 0 &&
                      found.num_used == expected.num_used,
                  table, name, {count});
        }
}

void test_normal_sums(const Table& table) {
    test_sums<float>(table, "normal_sums", &Table::normal_sums);
    test_sums<double>(table, "biweight_sums", &Table::biweight_sums);
}

}  // namespace

int main() { at_every_level({test_nearest_pairs, test_proposals, test_normal_sums}); }
