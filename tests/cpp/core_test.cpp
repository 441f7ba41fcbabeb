// The core without Python, made to run under sanitizers: random shapes, every level, several threads, an
// executor of the caller's own, exceptions out of tasks. What the results should be is the Python tests'
// concern; here they must agree with a plain loop, and with themselves.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bar_guess.hpp"
#include "check.hpp"
#include "found.hpp"
#include "hcbir/error.hpp"
#include "hcbir/isa.hpp"
#include "hcbir/kmeans.hpp"
#include "hcbir/match.hpp"
#include "hcbir/parallel.hpp"
#include "hcbir/search.hpp"

namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_int_distribution<int> value(-8, 8);
    std::vector<float> values(count);
    for (float& x : values) x = static_cast<float>(value(engine));
    return values;
}

Found run_search(const std::vector<float>& queries, const std::vector<float>& database, std::size_t dim,
                 std::size_t k, hcbir::Executor& executor,
                 hcbir::Precision precision = hcbir::Precision::automatic) {
    const std::size_t q = queries.size() / dim, n = database.size() / dim;
    Found found{std::vector<float>(q * k), std::vector<std::int64_t>(q * k)};
    hcbir::search({queries.data(), q, dim}, {database.data(), n, dim}, k, {.precision = precision},
                  {found.scores.data(), q, k}, {found.indices.data(), q, k}, executor);
    return found;
}

Found brute_force(const std::vector<float>& queries, const std::vector<float>& database, std::size_t dim,
                  std::size_t k) {
    Found found;
    for (std::size_t q = 0; q < queries.size() / dim; ++q) {
        std::vector<std::pair<float, std::int64_t>> scored;
        for (std::size_t row = 0; row < database.size() / dim; ++row) {
            double dot = 0;
            for (std::size_t c = 0; c < dim; ++c)
                dot += double{queries[q * dim + c]} * database[row * dim + c];
            scored.emplace_back(static_cast<float>(-dot), static_cast<std::int64_t>(row));
        }
        found.add_best(std::move(scored), k);
    }
    return found;
}

void test_search() {
    std::mt19937 engine(1);
    auto draw = [&](int low, int high) {
        return static_cast<std::size_t>(std::uniform_int_distribution<int>(low, high)(engine));
    };
    for (int round = 0; round < 25; ++round) {
        const std::size_t dim = draw(1, 70), n = draw(1, round < 20 ? 300 : 3000), q = draw(1, 40);
        const std::size_t k = 1 + draw(0, 1000) % n;
        const auto database = random_floats(n * dim, 2), queries = random_floats(q * dim, 3);
        const Found expected = brute_force(queries, database, dim, k);
        for (const auto& level : hcbir::available_isas()) {
            hcbir::use_isa(level);
            for (std::size_t threads : {1, 2, 7}) {
                hcbir::PoolExecutor executor(threads);
                for (const auto precision :
                     {hcbir::Precision::automatic, hcbir::Precision::float32, hcbir::Precision::int8})
                    check(run_search(queries, database, dim, k, executor, precision) == expected,
                          "search equals brute force");
            }
        }
    }
}

/// 64 panels of 32 keys, a sixteenth of the rows, of which 100 are wanted.
void test_guessed_bars() {
    constexpr std::size_t count = 64 * 32;
    hcbir::BarGuess guess(count, 32, 100, 1.0 / 16);
    std::vector<float> apart(count), together(count);
    for (std::size_t i = 0; i < count; ++i) {
        apart[i % 64 * 32 + i / 64] =
            static_cast<float>(count - i);  // the best of each panel, then the second best
        together[i] = static_cast<float>(count - i);
    }
    const auto found = guess(apart);
    // 20 is the least n with n - 3 sqrt(n) >= 100 / 16.
    check(found.safe == static_cast<float>(count - 19), "a safe bar is the 20th of keys that come alone");
    check(found.likely == static_cast<float>(count - 6), "a likely bar is the 7th");
    check(guess(together).safe == -std::numeric_limits<float>::infinity(), "clumps are not counted upon");
}

/// Rows that are equal, near or huge: what one pass of float scores cannot decide.
void test_matching_of_near_ties() {
    std::vector<float> set = random_floats(200 * 21, 10);
    for (std::size_t i = 0; i < 100 * 21; ++i) set[i + 100 * 21] = set[i] * (1 + (i % 3 == 0 ? 1e-7f : 0.0f));
    for (std::size_t i = 0; i < 21; ++i) set[i] *= 1e25f;
    hcbir::PoolExecutor executor(3);
    std::vector<float> scores(200);
    std::vector<std::int64_t> indices(200);
    hcbir::search({set.data(), 200, 21}, {set.data(), 200, 21}, 1, hcbir::Metric::dot,
                  {scores.data(), 200, 1}, {indices.data(), 200, 1}, executor);
    hcbir::MatchOptions one_way;
    one_way.cross_check = false;
    for (const auto& level : hcbir::available_isas()) {
        hcbir::use_isa(level);
        const auto found =
            hcbir::match({set.data(), 200, 21}, {set.data(), 200, 21}, hcbir::Metric::dot, one_way, executor);
        check(found.size() == 200, "everyone has a neighbour");
        for (std::size_t i = 0; i < 200; ++i)
            check(found[i].index1 == indices[i] && found[i].score == scores[i], "match equals search");
    }
}

/// Sets large enough for the scan in bytes, by every metric.
void test_matching_of_large_sets() {
    const auto a = random_floats(210 * 67, 6), b = random_floats(190 * 67, 7);
    hcbir::PoolExecutor executor(3);
    std::vector<float> scores(210);
    std::vector<std::int64_t> indices(210);
    hcbir::MatchOptions one_way;
    one_way.cross_check = false;
    for (const auto metric : {hcbir::Metric::dot, hcbir::Metric::cosine, hcbir::Metric::l2}) {
        hcbir::search({a.data(), 210, 67}, {b.data(), 190, 67}, 1, metric, {scores.data(), 210, 1},
                      {indices.data(), 210, 1}, executor);
        for (const auto& level : hcbir::available_isas()) {
            hcbir::use_isa(level);
            const auto found =
                hcbir::match({a.data(), 210, 67}, {b.data(), 190, 67}, metric, one_way, executor);
            check(found.size() == 210, "everyone has a neighbour");
            for (std::size_t i = 0; i < 210; ++i)
                check(found[i].index1 == indices[i] && found[i].score == scores[i], "match equals search");
        }
    }
}

void test_match_and_kmeans() {
    const auto a = random_floats(300 * 13, 4), b = random_floats(200 * 13, 5);
    std::vector<std::uint8_t> bits(500 * 9);
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
    std::vector<std::size_t> counts;
    for (std::size_t threads : {1, 2, 7}) {
        hcbir::PoolExecutor executor(threads);
        counts.push_back(
            hcbir::match({a.data(), 300, 13}, {b.data(), 200, 13}, hcbir::Metric::l2, {}, executor).size());
        counts.push_back(
            hcbir::match({bits.data(), 300, 9}, {bits.data() + 300 * 9, 200, 9}, {}, executor).size());
        std::vector<float> centroids(10 * 13);
        counts.push_back(static_cast<std::size_t>(
            1e6 * hcbir::kmeans({a.data(), 300, 13}, {centroids.data(), 10, 13}, {}, executor)));
    }
    for (std::size_t i = 3; i < counts.size(); ++i)
        check(counts[i] == counts[i % 3], "same for every thread count");
    check(counts[0] > 0 && counts[1] > 0 && counts[2] > 0, "something was found");
}

/// An embedder's executor: a thread of its own for every task.
class OwnThreads final : public hcbir::Executor {
public:
    std::size_t size() const override { return 3; }
    void parallel_for(std::size_t num_tasks, const Body& body) override {
        std::atomic<std::size_t> next{0};
        std::vector<std::thread> threads;
        for (std::size_t w = 0; w < size(); ++w)
            threads.emplace_back([&, w] {
                for (std::size_t task; (task = next++) < num_tasks;) body(task, w);
            });
        for (auto& thread : threads) thread.join();
    }
};

void test_executors() {
    const auto database = random_floats(5000 * 24, 6), queries = random_floats(30 * 24, 7);
    OwnThreads own;
    hcbir::SerialExecutor serial;
    check(run_search(queries, database, 24, 9, own) == run_search(queries, database, 24, 9, serial),
          "own executor");

    hcbir::PoolExecutor pool(4);
    std::atomic<std::size_t> sum{0};
    pool.parallel_for(1000, [&](std::size_t task, std::size_t worker) {
        check(worker < pool.size(), "worker number");
        hcbir::PoolExecutor(3).parallel_for(5, [&](std::size_t inner, std::size_t) { sum += task * inner; });
    });
    check(sum == 999 * 1000 / 2 * 10, "nested tasks all run once");

    bool caught = false;
    try {
        pool.parallel_for(1000, [](std::size_t task, std::size_t) {
            if (task == 500) throw std::runtime_error("task 500");
        });
    } catch (const std::runtime_error&) {
        caught = true;
    }
    check(caught, "an exception reaches the caller");

    caught = false;
    try {
        hcbir::PoolExecutor stopped(2, [] { return true; });
        stopped.parallel_for(1'000'000, [](std::size_t, std::size_t) {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        });
    } catch (const hcbir::Interrupted&) {
        caught = true;
    }
    check(caught, "a stop callback interrupts");

    caught = false;
    try {
        hcbir::PoolExecutor stopped(2, [] { return true; });
        for (int call = 0; call < 100; ++call)
            stopped.parallel_for(2, [](std::size_t, std::size_t) {
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            });
    } catch (const hcbir::Interrupted&) {
        caught = true;
    }
    check(caught, "a stop callback interrupts many short calls");
}

void test_several_callers() {
    const auto database = random_floats(2000 * 16, 8), queries = random_floats(20 * 16, 9);
    hcbir::SerialExecutor serial;
    const Found expected = run_search(queries, database, 16, 5, serial);
    std::vector<std::thread> callers;
    for (int c = 0; c < 4; ++c)
        callers.emplace_back([&] {
            hcbir::PoolExecutor executor(3);
            for (int round = 0; round < 20; ++round)
                check(run_search(queries, database, 16, 5, executor) == expected, "several callers at once");
        });
    for (auto& caller : callers) caller.join();
}

void test_places_for_other_numbers_of_results() {
    const auto rows = random_floats(6 * 4, 1);
    std::vector<float> scores(8);
    std::vector<std::int64_t> indices(8);
    hcbir::SerialExecutor serial;
    try {
        hcbir::search({rows.data(), 2, 4}, {rows.data(), 6, 4}, 3, hcbir::Metric::dot, {scores.data(), 2, 3},
                      {indices.data(), 2, 4}, serial);
        check(false, "refused");
    } catch (const std::invalid_argument& error) {
        check(error.what() ==
                  std::string("scores and indices must be queries x results, 2 x 3, got 2 x 3 and 2 x 4"),
              error.what());
    }
}

}  // namespace

int main() {
    test_search();
    test_places_for_other_numbers_of_results();
    test_guessed_bars();
    test_matching_of_near_ties();
    test_matching_of_large_sets();
    test_match_and_kmeans();
    test_executors();
    test_several_callers();
    std::puts("ok");
}
