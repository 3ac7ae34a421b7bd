#include "fewbits/core/parallel.hpp"

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"

using namespace fewbits;

TEST(parallel_visits_every_index_once) {
    for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 7, 8, 9, 100, 1001}) {
        for (const std::size_t block : std::initializer_list<std::size_t>{1, 8, 64, 5000}) {
            for (int threads : {0, 1, 2, 5}) {
                std::vector<int> visits(n, 0);
                std::atomic<bool> aligned{true};
                parallel_for(n, block, threads, [&](std::size_t begin, std::size_t end) {
                    if (begin % block != 0 || end != std::min(n, begin + block)) aligned = false;
                    for (std::size_t i = begin; i < end; ++i) ++visits[i];
                });
                CHECK(aligned);
                CHECK(visits == std::vector<int>(n, 1));
            }
        }
    }
}

TEST(parallel_uses_several_threads) {
    // Each block waits for the other: two threads meet, one alone would time out.
    std::atomic<int> arrived{0};
    std::atomic<int> met{0};
    parallel_for(2, 1, 2, [&](std::size_t, std::size_t) {
        ++arrived;
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (arrived < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
        if (arrived == 2) ++met;
    });
    CHECK_EQUAL(met.load(), 2);
}

TEST(parallel_one_block_runs_in_the_caller) {
    std::thread::id seen;
    parallel_for(10, 10, 8, [&](std::size_t, std::size_t) { seen = std::this_thread::get_id(); });
    CHECK(seen == std::this_thread::get_id());
    int calls = 0;  // not atomic: one thread runs them in order
    parallel_for(10, 1, 1, [&](std::size_t begin, std::size_t) {
        if (static_cast<int>(begin) == calls) ++calls;
    });
    CHECK_EQUAL(calls, 10);
}

TEST(parallel_rethrows_the_lowest_failing_block) {
    for (int threads : {1, 2, 5}) {
        for (int repeat = 0; repeat < 20; ++repeat) {
            std::atomic<int> ran{0};
            std::string message;
            try {
                parallel_for(100000, 1, threads, [&](std::size_t begin, std::size_t) {
                    ++ran;
                    if (begin >= 40) throw std::runtime_error(std::to_string(begin));
                });
            } catch (const std::runtime_error& error) {
                message = error.what();
            }
            CHECK(message == "40");
            CHECK(ran < 100000);  // the blocks after the failure were abandoned
            CHECK(ran >= 41);
        }
    }
}

TEST(parallel_rejects_bad_arguments) {
    const auto nothing = [](std::size_t, std::size_t) {};
    CHECK_THROWS(parallel_for(1, 0, 1, nothing), ArgumentError);
    CHECK_THROWS(parallel_for(1, 1, -1, nothing), ArgumentError);
    CHECK_THROWS(parallel_for(0, 1, -1, nothing), ArgumentError);
    CHECK_THROWS(resolve_threads(-2), ArgumentError);
    CHECK_EQUAL(resolve_threads(3), 3);
    CHECK_EQUAL(resolve_threads(0), available_cpus());
    CHECK(available_cpus() >= 1);
}
