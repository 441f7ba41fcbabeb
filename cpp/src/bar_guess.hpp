// What the k-th best of a database probably reaches, by a sample of its rows.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "kth_key.hpp"
#include "topk.hpp"

namespace hcbir {

class BarGuess {
public:
    /// share: of the rows, that are in the sample, which comes panel after panel.
    BarGuess(std::size_t num_sampled, std::size_t panel_rows, std::size_t k, double share)
        : panel_rows_(panel_rows),
          wanted_(static_cast<double>(k) * share),
          counts_(num_sampled / panel_rows + 1) {
        const double root = (3 + std::sqrt(9 + 4 * wanted_)) / 2;  // of the rows it takes if each comes alone
        most_ = std::min(num_sampled, static_cast<std::size_t>(2 * root * root) + 16);
    }

    struct Guess {
        float likely = -std::numeric_limits<float>::infinity();  // about what the k-th best reaches
        // What it reaches almost surely: so many rows are expected to that three standard deviations fewer
        // would do, taking it that rows of one panel come together. -infinity if the sample cannot tell.
        float safe = -std::numeric_limits<float>::infinity();
    };

    /// How many of the sample's best it takes to guess.
    std::size_t most() const { return most_; }

    /// Of a query's keys on the sample, or of its best; row_of(i) counts the sample's rows.
    template <class RowOf = std::identity>
    Guess operator()(std::span<const float> keys, RowOf row_of = {}) {
        const float least = keys.size() > 2 * most_ ? kth_(keys.data(), keys.size(), most_)
                                                    : -std::numeric_limits<float>::infinity();
        TopK best(most_);
        for (std::size_t i = 0; i < keys.size(); ++i)
            if (keys[i] >= least) best.push({keys[i], static_cast<std::int64_t>(row_of(i))});
        return (*this)(std::move(best));
    }
    /// Of the most() best of the sample, whose indices count its rows.
    Guess operator()(TopK best) {
        std::fill(counts_.begin(), counts_.end(), 0.0);
        double sum = 0, variance = 0;
        Guess guess;
        for (const Candidate& next : best.sorted()) {
            double& count = counts_[static_cast<std::size_t>(next.index) / panel_rows_];
            variance += 2 * count + 1;  // the sum of the counts' squares
            sum += 1, count += 1;
            if (sum < wanted_ + 1) guess.likely = next.score;
            if (sum - 3 * std::sqrt(variance) < wanted_) continue;
            guess.safe = next.score;
            break;
        }
        return guess;
    }

private:
    std::size_t panel_rows_, most_;
    double wanted_;
    std::vector<double> counts_;
    KthKey kth_;
};

}  // namespace hcbir
