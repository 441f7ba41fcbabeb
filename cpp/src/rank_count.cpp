#include "rank_count.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <numeric>

#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

using Index = std::int64_t;
using Ranks = std::vector<Index>;

/// The score as an integer of the same order, as keep_scores gives it.
std::int32_t ordered(float score) {
    const auto bits = std::bit_cast<std::int32_t>(score + 0.0f);
    return bits ^ ((bits >> 31) & std::numeric_limits<std::int32_t>::max());
}

float float_of(std::int32_t ordered) {
    return std::bit_cast<float>(ordered ^ ((ordered >> 31) & std::numeric_limits<std::int32_t>::max()));
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

// A row is read in blocks that stay in the cache while every positive is compared with them.
constexpr std::size_t block_size = 4096;

/// The scores of a stretch of a row that are not below a bar.
struct Block {
    std::size_t first, end;    // of the stretch
    std::size_t kept, padded;  // what pads to a multiple of counted_at_once ranks last
    bool has_nan;
    std::int32_t scores[block_size + kernels::counted_at_once];  // ordered()
    std::uint32_t indices[block_size + kernels::counted_at_once];

    void read(std::span<const float> row, std::size_t first_, float bar, const kernels::Table& table) {
        first = first_;
        end = std::min(first + block_size, row.size());
        keep(row.data() + first, end - first, bar, table);
    }

    /// Raises the bar; indices become meaningless.
    void narrow(float bar, const kernels::Table& table) { keep(floats_, kept, bar, table); }

private:
    void keep(const float* from, std::size_t count, float bar, const kernels::Table& table) {
        kept = table.keep_scores(from, static_cast<std::uint32_t>(first), count, bar, floats_, indices);
        padded = (kept + kernels::counted_at_once - 1) / kernels::counted_at_once * kernels::counted_at_once;
        std::fill(floats_ + kept, floats_ + padded, 0.0f);
        has_nan = table.order_scores(floats_, padded, scores);
        std::fill(scores + kept, scores + padded, std::numeric_limits<std::int32_t>::min());
    }

    float floats_[block_size + kernels::counted_at_once];
};

/// For few positives: compares each with all that was kept.
class EachCounter {
public:
    EachCounter(const std::vector<Key>& positives, const kernels::Table& table)
        : positives_(positives), table_(table), bars_(positives.size()), counts_(positives.size(), 0) {}

    void add(Block& block) {
        for (std::size_t p = 0; p < bars_.size(); ++p) bars_[p] = bar(p, block);
        for (std::size_t end = bars_.size(); end > 0;) {
            constexpr std::size_t group = 8;
            const std::size_t begin = end > group ? end - group : 0;
            const std::uint32_t before = counts_[begin];
            table_.count_above(block.scores, block.padded, &bars_[begin], end - begin, &counts_[begin]);
            // What ranks behind a group matters to no positive before it: drop it where it is most.
            if (begin && 2 * (counts_[begin] - before) < block.kept)
                block.narrow(float_of(score_of(positives_[begin - 1])), table_);
            end = begin;
        }
    }

    Ranks ranks() const { return Ranks(counts_.begin(), counts_.end()); }

private:
    /// To be exceeded by what ranks before positive p. Of equal scores those with a smaller index do: the
    /// blocks before the positive count them all, and its own those before it.
    std::int32_t bar(std::size_t p, const Block& block) {
        const std::size_t index = index_of(positives_[p]);
        const std::int32_t score = score_of(positives_[p]);
        if (index >= block.end) return score - 1;
        if (index >= block.first) {
            const auto place = std::lower_bound(block.indices, block.indices + block.kept, index);
            const auto last = block.scores + (place - block.indices);
            counts_[p] += static_cast<std::uint32_t>(std::count(block.scores, last, score));
        }
        return score;
    }

    const std::vector<Key>& positives_;
    const kernels::Table& table_;
    std::vector<std::int32_t> bars_;
    std::vector<std::uint32_t> counts_;
};

/// For many positives: finds each score's place among them.
class SearchCounter {
public:
    SearchCounter(const std::vector<Key>& positives, const kernels::Table&)
        : positives_(positives), places_(positives.size() + 1, 0) {}

    void add(const Block& block) {
        for (std::size_t n = 0; n < block.kept; ++n)
            ++places_[place(key_of(block.scores[n], block.indices[n]))];
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
std::optional<Ranks> count_all(std::span<const float> row, const std::vector<Key>& positives) {
    const kernels::Table& table = kernels::active();
    Counter counter(positives, table);
    const float bar =
        positives.empty() ? std::numeric_limits<float>::infinity() : row[index_of(positives.back())];
    Block block;
    for (std::size_t first = 0; first < row.size(); first += block_size) {
        block.read(row, first, bar, table);
        if (block.has_nan) return std::nullopt;
        counter.add(block);
    }
    return counter.ranks();
}

}  // namespace

std::optional<Ranks> count_ranks(std::span<const float> row, std::span<const Index> positives,
                                 std::span<const Index> junk) {
    // Measured: where a place is found sooner than all are compared.
    constexpr std::size_t many = 1024;
    const std::vector<Key> keys = keys_of(positives, row);
    auto ranks = keys.size() < many ? count_all<EachCounter>(row, keys) : count_all<SearchCounter>(row, keys);
    if (!ranks) return ranks;
    const std::vector<Key> junk_keys = keys_of(junk, row);
    std::size_t num_earlier = 0;
    for (std::size_t p = 0; p < keys.size(); ++p) {
        while (num_earlier < junk_keys.size() && junk_keys[num_earlier] > keys[p]) ++num_earlier;
        (*ranks)[p] -= static_cast<Index>(num_earlier);
    }
    return ranks;
}

}  // namespace hcbir
