#include "hcbir/evaluation.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "hcbir/error.hpp"

namespace hcbir {
namespace {

using Index = std::int64_t;
using Ranks = std::vector<Index>;  // of the positives found, from 0, ascending, junk left out

constexpr Index max_images = Index{1} << 31;

[[noreturn]] void refuse(const char* name, const std::string& expected, const std::string& got,
                         std::size_t query) {
    require(false, name, expected, got + " for query " + std::to_string(query));
    __builtin_unreachable();
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

/// The score as an integer of the same order; both zeros are 0. NaN lies beyond the infinities.
std::int32_t ordered(float score) {
    const auto bits = std::bit_cast<std::int32_t>(score + 0.0f);
    return bits ^ ((bits >> 31) & std::numeric_limits<std::int32_t>::max());
}

/// A score and its index as one number that is larger for what ranks earlier.
using Key = std::int64_t;

constexpr Key last_index = 0xffffffff;
Key key_of(std::int32_t score, std::size_t index) {
    return Key{score} * (last_index + 1) + (last_index - static_cast<Key>(index));
}
std::size_t index_of(Key key) { return static_cast<std::size_t>(last_index - (key & last_index)); }
std::int32_t score_of(Key key) { return static_cast<std::int32_t>(key >> 32); }

/// Keys of the indices, earliest in rank first.
std::vector<Key> keys_of(std::span<const Index> indices, std::span<const float> row) {
    std::vector<Key> keys;
    keys.reserve(indices.size());
    for (const Index index : indices) {
        const auto i = static_cast<std::size_t>(index);
        keys.push_back(key_of(ordered(row[i]), i));
    }
    std::sort(keys.begin(), keys.end(), std::greater<>());
    return keys;
}

// A row is read in blocks that stay in the first-level cache while every positive is compared with them.
constexpr std::size_t block_size = 2048;

/// Part of a row, as ordered() gives it.
struct Block {
    std::int32_t scores[block_size];
    std::size_t first, size;

    /// Returns whether a score is NaN.
    bool read(std::span<const float> row, std::size_t first_) {
        first = first_;
        size = std::min(block_size, row.size() - first);
        int has_nan = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const float score = row[first + i];
            has_nan |= score != score;
            scores[i] = ordered(score);
        }
        return has_nan;
    }
};

/// For few positives: compares each with the whole row.
class EachCounter {
public:
    explicit EachCounter(const std::vector<Key>& positives)
        : positives_(positives), ranks_(positives.size(), 0) {}

    void add(const Block& block) {
        std::size_t p = 0;
        for (; p + 4 <= positives_.size(); p += 4) count<4>(block, p);
        for (; p < positives_.size(); ++p) count<1>(block, p);
    }

    Ranks ranks() const { return ranks_; }

private:
    /// Of `group` positives from p on, which share each load.
    template <std::size_t group>
    void count(const Block& block, std::size_t p) {
        // Of equal scores, those with a smaller index rank earlier: blocks before the positive count them.
        std::int32_t bars[group], counts[group] = {};
        for (std::size_t g = 0; g < group; ++g) {
            const bool later = index_of(positives_[p + g]) >= block.first + block.size;
            bars[g] = score_of(positives_[p + g]) - later;
        }
        for (std::size_t i = 0; i < block.size; ++i)
            for (std::size_t g = 0; g < group; ++g) counts[g] += block.scores[i] > bars[g];
        for (std::size_t g = 0; g < group; ++g) {
            const std::size_t index = index_of(positives_[p + g]);
            const bool inside = index >= block.first && index < block.first + block.size;
            const std::int32_t* end = block.scores + (inside ? index - block.first : 0);
            ranks_[p + g] += counts[g] + std::count(block.scores, end, bars[g]);
        }
    }

    const std::vector<Key>& positives_;
    Ranks ranks_;
};

/// For many positives: finds each score's place among them.
class SearchCounter {
public:
    explicit SearchCounter(const std::vector<Key>& positives)
        : positives_(positives), places_(positives.size() + 1, 0) {}

    void add(const Block& block) {
        // Most of a good ranking lies behind the last positive and is passed over by one comparison.
        const std::int32_t bar = score_of(positives_.back());
        std::uint32_t passed[block_size];
        std::size_t num_passed = 0;
        for (std::size_t i = 0; i < block.size; ++i) {
            passed[num_passed] = static_cast<std::uint32_t>(i);
            num_passed += block.scores[i] >= bar;
        }
        for (std::size_t n = 0; n < num_passed; ++n)
            ++places_[place(key_of(block.scores[passed[n]], block.first + passed[n]))];
    }

    Ranks ranks() const {
        Ranks ranks(positives_.size());
        std::partial_sum(places_.begin(), places_.end() - 1, ranks.begin());
        return ranks;
    }

private:
    /// Number of positives that do not rank later than the key. No step branches on a comparison.
    std::size_t place(Key key) const {
        const Key* begin = positives_.data();
        for (std::size_t length = positives_.size(); length > 1;) {
            const std::size_t half = length / 2;
            begin += half * (begin[half - 1] >= key);
            length -= half;
        }
        return static_cast<std::size_t>(begin - positives_.data()) + (*begin >= key);
    }

    const std::vector<Key>& positives_;
    std::vector<Index> places_;  // [p]: images that rank after positive p - 1 and before p, and p - 1 itself
};

template <class Counter>
Ranks count_all(std::span<const float> row, const std::vector<Key>& positives, std::size_t query) {
    Counter counter(positives);
    Block block;
    for (std::size_t first = 0; first < row.size(); first += block_size) {
        if (block.read(row, first)) {
            const auto nan = std::find_if(row.begin(), row.end(), [](float score) { return score != score; });
            refuse("scores", "free of NaN", "NaN at index " + std::to_string(nan - row.begin()), query);
        }
        counter.add(block);
    }
    return counter.ranks();
}

Ranks count_ranks(std::span<const float> row, const Relevance& relevance, std::size_t query) {
    // Measured: where a place is found sooner than all are compared.
    constexpr std::size_t many = 128;
    const std::vector<Key> positives = keys_of(relevance.positives, row);
    Ranks ranks = positives.size() < many ? count_all<EachCounter>(row, positives, query)
                                          : count_all<SearchCounter>(row, positives, query);
    const std::vector<Key> junk = keys_of(relevance.junk, row);
    std::size_t num_earlier = 0;
    for (std::size_t p = 0; p < ranks.size(); ++p) {
        while (num_earlier < junk.size() && junk[num_earlier] > positives[p]) ++num_earlier;
        ranks[p] -= static_cast<Index>(num_earlier);
    }
    return ranks;
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
                 return count_ranks(scores.row_span(query), relevance, query);
             });
}

}  // namespace hcbir
