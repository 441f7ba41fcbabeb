#include "hcbir/parallel.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hcbir/error.hpp"

namespace hcbir {
namespace {

/// One parallel_for: tasks are drawn from a counter by whoever has joined.
struct Job {
    const Executor::Body& body;
    const std::size_t num_tasks;
    const std::size_t max_workers;
    std::atomic<std::size_t> next_task{0};
    std::size_t joined = 1;  // the caller is worker 0; guarded by the pool's mutex, like the rest
    std::size_t active = 0;  // helpers at work
    std::exception_ptr error{};

    bool wants_help() const { return joined < max_workers && next_task.load() < num_tasks; }
    void cancel() { next_task.store(num_tasks); }
};

class ThreadPool {
public:
    ThreadPool() {
        if (sched_getaffinity(0, sizeof usable_, &usable_) != 0) CPU_ZERO(&usable_);
    }

    void run(Job& job, const std::function<bool()>& stop) {
        std::list<Job*>::iterator place;
        {
            std::lock_guard lock(mutex_);
            // Threads live as long as the process: a detached one needs no orderly end at exit.
            while (helpers_.size() + 1 < job.max_workers) {
                std::thread helper([this] { serve(); });
                helpers_.push_back(helper.native_handle());
                helper.detach();
                kept_off_ = -1;
            }
            keep_helpers_off(sched_getcpu());
            place = jobs_.insert(jobs_.end(), &job);
        }
        wake_.notify_all();
        draw(job, 0, stop);
        std::unique_lock lock(mutex_);
        jobs_.erase(place);
        auto finished = [&] { return job.active == 0; };
        if (!stop) {
            done_.wait(lock, finished);
        } else {
            while (!done_.wait_for(lock, poll_interval, finished)) {
                lock.unlock();
                check(job, stop);
                lock.lock();
            }
        }
        if (job.error) std::rethrow_exception(job.error);
    }

private:
    static constexpr std::chrono::milliseconds poll_interval{20};
    static constexpr int few_cpus = 8;

    /// The scheduler of a virtual machine, to which halted CPUs are busy ones, likes to queue a thread that
    /// is woken behind the one that wakes it, for milliseconds: where CPUs are few, helpers wait for work
    /// elsewhere than on the caller's.
    void keep_helpers_off(int cpu) {
        if (cpu < 0 || cpu == kept_off_ || CPU_COUNT(&usable_) > few_cpus) return;
        kept_off_ = cpu;
        cpu_set_t others = usable_;
        CPU_CLR(static_cast<std::size_t>(cpu), &others);
        if (CPU_COUNT(&others) == 0) return;
        for (const pthread_t helper : helpers_) pthread_setaffinity_np(helper, sizeof others, &others);
    }

    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            auto job = std::find_if(jobs_.begin(), jobs_.end(), [](Job* j) { return j->wants_help(); });
            if (job == jobs_.end()) {
                wake_.wait(lock);
                continue;
            }
            Job& mine = **job;
            const std::size_t worker = mine.joined++;
            ++mine.active;
            lock.unlock();
            draw(mine, worker, {});
            lock.lock();
            if (--mine.active == 0) done_.notify_all();
        }
    }

    void draw(Job& job, std::size_t worker, const std::function<bool()>& stop) {
        auto polled = std::chrono::steady_clock::now();
        for (std::size_t task; (task = job.next_task.fetch_add(1)) < job.num_tasks;) {
            try {
                job.body(task, worker);
            } catch (...) {
                fail(job);
            }
            if (stop && std::chrono::steady_clock::now() - polled >= poll_interval) {
                check(job, stop);
                polled = std::chrono::steady_clock::now();
            }
        }
    }

    void check(Job& job, const std::function<bool()>& stop) {
        try {
            if (stop()) throw Interrupted();
        } catch (...) {
            fail(job);
        }
    }

    void fail(Job& job) {
        std::lock_guard lock(mutex_);
        if (!job.error) job.error = std::current_exception();
        job.cancel();
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::list<Job*> jobs_;
    cpu_set_t usable_;  // by whoever made the pool, and so by helpers
    std::vector<pthread_t> helpers_;
    int kept_off_ = -1;  // the CPU that helpers do not use
};

std::atomic<ThreadPool*> shared_pool{nullptr};

/// The threads of a pool do not survive a fork, and its mutex may be held: the child leaks it and starts
/// anew.
ThreadPool& pool() {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { shared_pool.store(nullptr); });
    (void)registered;
    if (ThreadPool* existing = shared_pool.load()) return *existing;
    auto* made = new ThreadPool;
    ThreadPool* none = nullptr;
    if (!shared_pool.compare_exchange_strong(none, made)) delete made;
    return *shared_pool.load();
}

std::size_t usable_cpus() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

void SerialExecutor::parallel_for(std::size_t num_tasks, const Body& body) {
    for (std::size_t task = 0; task < num_tasks; ++task) body(task, 0);
}

PoolExecutor::PoolExecutor(std::size_t num_threads, std::function<bool()> stop)
    : num_threads_(num_threads ? num_threads : default_num_threads()), stop_(std::move(stop)) {}

void PoolExecutor::parallel_for(std::size_t num_tasks, const Body& body) {
    if (num_tasks == 0) return;
    Job job{body, num_tasks, std::min(num_threads_, num_tasks)};
    pool().run(job, stop_);
}

std::size_t default_num_threads() {
    const char* text = std::getenv("HCBIR_NUM_THREADS");
    if (!text || !*text) return usable_cpus();
    int value = 0;
    const char* end = text + std::strlen(text);
    const auto [stopped, error] = std::from_chars(text, end, value);
    require(error == std::errc() && stopped == end && value >= 1 && value <= 1024, "HCBIR_NUM_THREADS",
            "a whole number from 1 to 1024", std::string("'") + text + "'");
    return static_cast<std::size_t>(value);
}

}  // namespace hcbir
