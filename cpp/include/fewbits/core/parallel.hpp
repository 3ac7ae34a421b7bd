// A parallel loop over blocks of an index range.
//
// The blocks depend on `n` and `block` alone, never on the number of threads: a kernel that writes per block
// (and combines partial results in block order) gives the same bits for any `threads`.
// Threads are std::thread, started per call: about 10 us for two, so give each at least ~0.5 ms of work.
// No pool, hence nothing that a fork() could break; no OpenMP, hence no second OpenMP runtime in a process.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace fewbits {
inline namespace FEWBITS_ISA {

// Number of CPUs this process may run on, at least 1.
inline int available_cpus() {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    // Fails on machines with more CPUs than the set holds; the count below serves them.
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// The number of threads an argument `threads` asks for: 0 means every available CPU.
inline int resolve_threads(int threads) {
    FEWBITS_REQUIRE(threads >= 0,
                    "resolve_threads: threads must be at least 0, got " + std::to_string(threads));
    return threads == 0 ? available_cpus() : threads;
}

// Calls body(begin, end) for the blocks [0, block), [block, 2 * block), ... of [0, n), each once, on up to
// `threads` threads (the caller is one of them). Blocks are taken in order from a counter.
//
// If a block throws, no further block is started, and once all threads have stopped the exception of the
// lowest throwing block is rethrown. Every block below it has run, so which exception it is does not depend
// on `threads`.
template <class Body>
void parallel_for(std::size_t n, std::size_t block, int threads, Body&& body) {
    FEWBITS_REQUIRE(block > 0, "parallel_for: block must be positive, got 0");
    const std::size_t blocks = n / block + (n % block != 0 ? 1 : 0);
    const auto run = [&](std::size_t index) {
        const std::size_t begin = index * block;
        body(begin, begin + std::min(block, n - begin));
    };
    const std::size_t workers = std::min(static_cast<std::size_t>(resolve_threads(threads)), blocks);
    if (workers <= 1) {
        for (std::size_t i = 0; i < blocks; ++i) run(i);
        return;
    }

    std::atomic<std::size_t> next{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::exception_ptr exception;
    std::size_t failed = blocks;
    const auto work = [&]() noexcept {
        while (!stop.load(std::memory_order_relaxed)) {
            const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
            if (index >= blocks) return;
            try {
                run(index);
            } catch (...) {
                const std::lock_guard<std::mutex> lock(mutex);
                if (index < failed) {
                    failed = index;
                    exception = std::current_exception();
                }
                stop.store(true, std::memory_order_relaxed);
            }
        }
    };

    std::vector<std::thread> others;
    others.reserve(workers - 1);
    try {
        while (others.size() < workers - 1) others.emplace_back(work);
    } catch (...) {
        // The system grants no more threads (or no memory for one): those running, and this one, do the rest.
    }
    work();
    for (std::thread& thread : others) thread.join();
    if (exception) std::rethrow_exception(exception);
}

// Objects that pieces of work borrow: scratch that outlives a piece without being shared by two at a time.
template <class T>
class Pool {
public:
    class Lease {
    public:
        Lease(Pool& pool, std::unique_ptr<T> object) : pool_(&pool), object_(std::move(object)) {}
        Lease(Lease&&) = default;
        ~Lease() {
            if (object_ == nullptr) return;
            const std::lock_guard<std::mutex> lock(pool_->mutex_);
            pool_->idle_.push_back(std::move(object_));
        }
        T& operator*() const { return *object_; }
        T* operator->() const { return object_.get(); }

    private:
        Pool* pool_;
        std::unique_ptr<T> object_;
    };

    // An object that was given back, or a new one.
    Lease borrow() {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (idle_.empty()) return Lease(*this, std::make_unique<T>());
        std::unique_ptr<T> object = std::move(idle_.back());
        idle_.pop_back();
        return Lease(*this, std::move(object));
    }

private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace FEWBITS_ISA
}  // namespace fewbits
