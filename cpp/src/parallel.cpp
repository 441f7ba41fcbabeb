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

constexpr std::chrono::milliseconds poll_interval{20};

std::chrono::steady_clock::duration now() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// One parallel_for: tasks are drawn from a counter by whoever has joined.
struct Job {
    const Executor::Body& body;
    const std::size_t num_tasks;
    const std::size_t max_workers;
    std::atomic<std::size_t> next_task{0};
    std::atomic<std::size_t> active{0};  // helpers at work; changed under the pool's mutex
    std::size_t joined = 1;              // the caller is worker 0; guarded by the mutex, like the error
    std::exception_ptr error{};

    bool wants_help() const { return joined < max_workers && next_task.load() < num_tasks; }
    void cancel() { next_task.store(num_tasks); }
};

/// Waits for what may come soon without sleep, from which it takes as long to wake.
template <class Ready>
void spin(Ready ready) {
    constexpr std::chrono::microseconds patience{50};
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!ready() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

class ThreadPool {
public:
    void run(Job& job, const std::function<bool()>& stop) {
        if (job.max_workers > 1)
            share(job, stop);
        else
            draw(job, 0, stop);
        if (job.error) std::rethrow_exception(job.error);
    }

private:
    static constexpr std::size_t few_cpus = 8;

    struct Helper {
        pthread_t thread;
        cpu_set_t usable;  // but for what the pool has to say
        cpu_set_t set;     // by the pool
    };

    /// Runs it with the help of the pool's threads.
    void share(Job& job, const std::function<bool()>& stop) {
        std::list<Job*>::iterator place;
        {
            std::lock_guard lock(mutex_);
            // Threads live as long as the process: a detached one needs no orderly end at exit.
            helpers_.reserve(job.max_workers);  // so that nothing fails between making one and noting it
            while (helpers_.size() + 1 < job.max_workers) {
                std::thread thread([this] { serve(); });
                helpers_.push_back({thread.native_handle(), {}, {}});
                thread.detach();
                kept_off_ = -1;
            }
            keep_helpers_off(sched_getcpu());
            place = jobs_.insert(jobs_.end(), &job);
            ++posted_;
        }
        wake_.notify_all();
        draw(job, 0, stop);
        spin([&] { return job.active == 0; });
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
    }

    /// The scheduler of a virtual machine, to which halted CPUs are busy ones, likes to queue a thread that
    /// is woken behind the one that wakes it, for milliseconds: where CPUs are few, helpers wait for work
    /// elsewhere than on the caller's.
    void keep_helpers_off(int cpu) {
        if (cpu < 0 || cpu == kept_off_) return;
        kept_off_ = cpu;
        for (auto& [thread, usable, set] : helpers_) {
            cpu_set_t now;
            if (pthread_getaffinity_np(thread, sizeof now, &now) != 0) continue;
            if (!CPU_EQUAL(&now, &set)) usable = now;  // it is new, or somebody else has chosen
            const auto count = static_cast<std::size_t>(CPU_COUNT(&usable));
            if (count > few_cpus) continue;
            set = usable;
            if (count > std::max<std::size_t>(helpers_.size(), 1))
                CPU_CLR(static_cast<std::size_t>(cpu), &set);
            pthread_setaffinity_np(thread, sizeof set, &set);
        }
    }

    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            auto job = std::find_if(jobs_.begin(), jobs_.end(), [](Job* j) { return j->wants_help(); });
            if (job == jobs_.end()) {
                const std::size_t known = posted_;
                lock.unlock();
                spin([&] { return posted_ != known; });
                lock.lock();
                if (posted_ == known) wake_.wait(lock);
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
        for (std::size_t task; (task = job.next_task.fetch_add(1)) < job.num_tasks;) {
            try {
                job.body(task, worker);
            } catch (...) {
                fail(job);
            }
            if (stop) check(job, stop);
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
    std::atomic<std::size_t> posted_{0};  // jobs so far; changed under the mutex
    std::vector<Helper> helpers_;
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

/// What HCBIR_NUM_THREADS says, or 0.
std::size_t threads_of_environment() {
    const char* text = std::getenv("HCBIR_NUM_THREADS");
    if (!text || !*text) return 0;
    int value = 0;
    const char* end = text + std::strlen(text);
    const auto [stopped, error] = std::from_chars(text, end, value);
    require(error == std::errc() && stopped == end && value >= 1 && value <= 1024, "HCBIR_NUM_THREADS",
            "a whole number from 1 to 1024", std::string("'") + text + "'");
    return static_cast<std::size_t>(value);
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
    : num_threads_(num_threads ? num_threads : threads_of_environment()) {
    asked_ = now();
    if (stop)
        stop_ = [this, stop = std::move(stop)] {
            if (now() - asked_.load() < poll_interval) return false;
            const bool stops = stop();
            asked_ = now();
            return stops;
        };
}

std::size_t PoolExecutor::size() const {
    if (num_threads_ == 0) num_threads_ = usable_cpus();
    return num_threads_;
}

bool PoolExecutor::is_awake() {
    constexpr std::chrono::microseconds moment{200};
    static std::atomic<std::chrono::steady_clock::duration> asked{};
    const auto time = now();
    return time - asked.exchange(time) < moment;
}

void PoolExecutor::parallel_for(std::size_t num_tasks, const Body& body) {
    if (num_tasks == 0) return;
    Job job{body, num_tasks, std::min(size(), num_tasks)};
    pool().run(job, stop_);
}

std::size_t default_num_threads() {
    const std::size_t asked = threads_of_environment();
    return asked ? asked : usable_cpus();
}

}  // namespace hcbir
