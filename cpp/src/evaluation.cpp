#include "hcbir/evaluation.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "hcbir/error.hpp"
#include "rank_count.hpp"

namespace hcbir {
namespace {

using Index = std::int64_t;
using Ranks = std::vector<Index>;  // of the positives found, from 0, ascending, junk left out

constexpr Index max_images = Index{1} << 31;

[[noreturn]] void refuse(const char* name, const std::string& expected, const std::string& got,
                         std::size_t query) {
    hcbir::refuse(name, expected, got + " for query " + std::to_string(query));
}

std::string index_range(Index num_images) {
    return num_images ? "indices from 0 to " + std::to_string(num_images - 1)
                      : "empty, as the rows of scores";
}

void check_lists(const RaggedView<Index>& lists, const char* name, std::size_t num_queries) {
    require(lists.size() == num_queries, name, std::to_string(num_queries) + " lists, one a query",
            std::to_string(lists.size()));
    const auto& offsets = lists.offsets;
    if (offsets.empty()) return;
    require(offsets.front() == 0 && std::is_sorted(offsets.begin(), offsets.end()) &&
                static_cast<std::size_t>(offsets.back()) == lists.values.size(),
            name, "split by offsets that ascend from 0 to the number of values", "others");
}

/// One query's ground truth.
struct Relevance {
    std::span<const Index> positives, junk;

    Relevance(const GroundTruth& truth, std::size_t query, Index num_images)
        : positives(truth.positives[query]) {
        if (truth.junk.size()) junk = truth.junk[query];
        // Twice the index, plus 1 for junk: equal indices become neighbours.
        std::vector<Index> marked;
        marked.reserve(positives.size() + junk.size());
        const auto mark = [&](std::span<const Index> list, const char* name, bool is_junk) {
            for (const Index index : list) {
                if (index < 0 || index >= num_images)
                    refuse(name, index_range(num_images), std::to_string(index), query);
                marked.push_back(2 * index + is_junk);
            }
        };
        mark(positives, "positives", false);
        mark(junk, "junk", true);
        std::sort(marked.begin(), marked.end());
        const auto same =
            std::adjacent_find(marked.begin(), marked.end(), [](Index a, Index b) { return a / 2 == b / 2; });
        if (same == marked.end()) return;
        const std::string value = std::to_string(*same / 2);
        if (same[0] != same[1]) refuse("junk", "free of the query's positives", value, query);
        refuse(*same % 2 ? "junk" : "positives", "free of repetition", value + " twice", query);
    }
};

double average_precision(const Ranks& ranks, std::size_t num_positives, Interpolation interpolation) {
    double sum = 0;
    for (std::size_t j = 0; j < ranks.size(); ++j) {
        const auto rank = static_cast<double>(ranks[j]), found = static_cast<double>(j);
        const double before = ranks[j] == 0 ? 1.0 : found / rank;
        const double here = (found + 1) / (rank + 1);
        sum += interpolation == Interpolation::trapezoid ? (before + here) / 2 : here;
    }
    return sum / static_cast<double>(num_positives);
}

double precision_at(const Ranks& ranks, Index cutoff) {
    if (ranks.empty()) return 0;
    const Index length = std::min(cutoff, ranks.back() + 1);
    const auto found = std::lower_bound(ranks.begin(), ranks.end(), length) - ranks.begin();
    return static_cast<double>(found) / static_cast<double>(length);
}

/// Evaluates every query by ranks_of(query, relevance, worker).
template <class RanksOf>
void evaluate(std::size_t num_queries, Index num_images, const GroundTruth& truth,
              const EvaluationOptions& options, EvaluationView result, Executor& executor, RanksOf ranks_of) {
    check_lists(truth.positives, "positives", num_queries);
    if (truth.junk.size()) check_lists(truth.junk, "junk", num_queries);
    for (const Index cutoff : options.cutoffs)
        require(cutoff >= 1, "at", "1 or more", std::to_string(cutoff));
    require(result.ap.size() == num_queries, "ap", std::to_string(num_queries) + " long",
            std::to_string(result.ap.size()));
    require(result.precision_at.rows == num_queries && result.precision_at.cols == options.cutoffs.size(),
            "precision_at", std::to_string(num_queries) + " x " + std::to_string(options.cutoffs.size()),
            std::to_string(result.precision_at.rows) + " x " + std::to_string(result.precision_at.cols));
    executor.parallel_for(num_queries, [&](std::size_t query, std::size_t worker) {
        const Relevance relevance(truth, query, num_images);
        const Ranks ranks = ranks_of(query, relevance, worker);
        const std::size_t num_positives = relevance.positives.size();
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        result.ap[query] =
            num_positives ? average_precision(ranks, num_positives, options.interpolation) : nan;
        for (std::size_t c = 0; c < options.cutoffs.size(); ++c)
            result.precision_at.row(query)[c] = num_positives ? precision_at(ranks, options.cutoffs[c]) : nan;
    });
}

/// What is known of each database index while one list is read; grows with the largest index met.
class Marks {
public:
    enum Mark : std::uint8_t { positive = 1, junk = 2, seen = 4 };

    std::uint8_t& operator[](Index index) {
        const auto i = static_cast<std::size_t>(index);
        if (i >= marks_.size()) marks_.resize(std::max(i + 1, 2 * marks_.size()));
        return marks_[i];
    }

    /// Forgets a list and its ground truth: where they wrote, or everywhere if that is quicker.
    template <class T>
    void forget(std::span<const T> ranking, const Relevance& relevance) {
        if (ranking.size() >= marks_.size() / 32)
            return std::fill(marks_.begin(), marks_.end(), std::uint8_t{0});
        for (const Index index : ranking) (*this)[index] = 0;
        for (const Index index : relevance.positives) (*this)[index] = 0;
        for (const Index index : relevance.junk) (*this)[index] = 0;
    }

private:
    std::vector<std::uint8_t> marks_;
};

template <class T>
Ranks read_ranks(std::span<const T> ranking, const Relevance& relevance, std::size_t query, Marks& marks) {
    for (const Index index : relevance.positives) marks[index] = Marks::positive;
    for (const Index index : relevance.junk) marks[index] = Marks::junk;
    Ranks ranks;
    ranks.reserve(relevance.positives.size());
    Index rank = 0;
    for (const Index index : ranking) {
        if (index < 0 || index >= max_images)
            refuse("rankings", index_range(max_images), std::to_string(index), query);
        std::uint8_t& mark = marks[index];
        if (mark & Marks::seen)
            refuse("rankings", "free of repetition", std::to_string(index) + " twice", query);
        if (mark & Marks::positive) ranks.push_back(rank);
        rank += !(mark & Marks::junk);
        mark |= Marks::seen;
    }
    marks.forget(ranking, relevance);
    return ranks;
}

template <class RowOf>
void evaluate_lists(std::size_t num_queries, RowOf row_of, const GroundTruth& truth,
                    const EvaluationOptions& options, EvaluationView result, Executor& executor) {
    std::vector<Marks> marks(executor.size());
    evaluate(num_queries, max_images, truth, options, result, executor,
             [&](std::size_t query, const Relevance& relevance, std::size_t worker) {
                 return read_ranks(row_of(query), relevance, query, marks[worker]);
             });
}

[[noreturn]] void refuse_nan(std::span<const float> row, std::size_t query) {
    const auto nan = std::find_if(row.begin(), row.end(), [](float score) { return score != score; });
    refuse("scores", "free of NaN", "NaN at index " + std::to_string(nan - row.begin()), query);
}

}  // namespace

void evaluate_rankings(MatrixView<const std::int64_t> rankings, const GroundTruth& truth,
                       const EvaluationOptions& options, EvaluationView result, Executor& executor) {
    evaluate_lists(
        rankings.rows, [&](std::size_t q) { return rankings.row_span(q); }, truth, options, result, executor);
}

void evaluate_rankings(MatrixView<const std::int32_t> rankings, const GroundTruth& truth,
                       const EvaluationOptions& options, EvaluationView result, Executor& executor) {
    evaluate_lists(
        rankings.rows, [&](std::size_t q) { return rankings.row_span(q); }, truth, options, result, executor);
}

void evaluate_rankings(RaggedView<std::int64_t> rankings, const GroundTruth& truth,
                       const EvaluationOptions& options, EvaluationView result, Executor& executor) {
    check_lists(rankings, "rankings", rankings.size());
    evaluate_lists(
        rankings.size(), [&](std::size_t q) { return rankings[q]; }, truth, options, result, executor);
}

void evaluate_scores(MatrixView<const float> scores, const GroundTruth& truth,
                     const EvaluationOptions& options, EvaluationView result, Executor& executor) {
    const auto num_images = static_cast<Index>(scores.cols);
    require(num_images <= max_images, "scores", "at most " + std::to_string(max_images) + " wide",
            std::to_string(num_images));
    evaluate(scores.rows, num_images, truth, options, result, executor,
             [&](std::size_t query, const Relevance& relevance, std::size_t) {
                 const auto row = scores.row_span(query);
                 auto ranks = count_ranks(row, relevance.positives, relevance.junk);
                 if (!ranks) refuse_nan(row, query);
                 return *std::move(ranks);
             });
}

}  // namespace hcbir
