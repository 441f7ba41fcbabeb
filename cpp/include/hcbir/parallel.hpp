// Threads. Results never depend on their number: tasks are independent and merged by a total order.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>

namespace hcbir {

/// Runs tasks; inject your own to use the threads of a larger system.
class Executor {
public:
    /// body(task, worker): worker < size() tells apart the threads that run at the same time.
    using Body = std::function<void(std::size_t task, std::size_t worker)>;

    virtual ~Executor() = default;
    /// The largest number of tasks that run at the same time, at least 1.
    virtual std::size_t size() const = 0;
    /// Whether its threads are probably awake, so that work of some microseconds is worth sharing.
    virtual bool is_awake() { return true; }
    /// Runs body for every task in 0 .. num_tasks - 1 and returns when all are done. The first exception
    /// ends the remaining tasks and is thrown here.
    virtual void parallel_for(std::size_t num_tasks, const Body& body) = 0;
};

/// Runs the tasks one after another on the calling thread.
class SerialExecutor final : public Executor {
public:
    std::size_t size() const override { return 1; }
    void parallel_for(std::size_t num_tasks, const Body& body) override;
};

/// Runs tasks on the calling thread and on up to num_threads - 1 threads of the process's shared pool, which
/// is made at first use, grows as needed and is made anew in a forked child.
class PoolExecutor final : public Executor {
public:
    /// num_threads = 0 means default_num_threads(). `stop` is asked between tasks, on the calling thread, at
    /// most every 20 ms, however short the calls are; once it returns true, parallel_for throws
    /// Interrupted.
    explicit PoolExecutor(std::size_t num_threads = 0, std::function<bool()> stop = {});
    std::size_t size() const override;
    /// Or whether they are worth waking, since somebody asked a moment ago, too.
    bool is_awake() override;
    void parallel_for(std::size_t num_tasks, const Body& body) override;

private:
    /// 0 until asked: to count the CPUs takes a tenth of a search of a few rows.
    mutable std::atomic<std::size_t> num_threads_;
    std::function<bool()> stop_;
    std::atomic<std::chrono::steady_clock::duration> asked_;  // stop, at last
};

/// HCBIR_NUM_THREADS if it is set, else the number of CPUs that this process may use.
/// Throws std::invalid_argument if HCBIR_NUM_THREADS is not a whole number from 1 to 1024.
std::size_t default_num_threads();

}  // namespace hcbir
