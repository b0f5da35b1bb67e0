// SPDX-License-Identifier: MIT
// No wake-up is lost: submits meet workers at every point of falling asleep. The keeper, which
// would mend it, is held up.

#include "catch.hpp"
#include "eventually.hpp"
#include "held_keeper.hpp"
#include "load.hpp"
#include "rally.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

#if defined(__linux__)
#include "child.hpp"
#include <sched.h>
#endif
#include <pthread.h>

namespace {

using namespace faf_test;
using faf::thread_pool;

/// Runs `test` with pools of one to four workers, without a keeper. They sleep as soon as they have
/// looked in vain, unless they are to do otherwise.
template <class Test>
void with_pools(Test test, faf::wake how = faf::wake::by_caller) {
    for (unsigned threads = 1; threads <= 4; ++threads) {
        CAPTURE(threads);
        thread_pool pool({.threads = threads, .max_threads = threads, .wake_up = how});
        const held_keeper nobody_helps;
        test(pool);
        CHECK(pool.drain(patience));
    }
}

/// The same by several threads at once.
template <class Pause>
int count_lost_rallies(thread_pool& pool, int threads, int rounds, Pause pause) {
    std::atomic<int> lost{0};
    std::vector<std::thread> players;
    for (int t = 0; t < threads; ++t) {
        players.emplace_back([&, t] {
            dice random(static_cast<unsigned>(t) + 1);
            lost += rally(pool, rounds, [&] { return pause(random); }) ? 0 : 1;
        });
    }
    for (std::thread& one : players) {
        one.join();
    }
    return lost;
}

TEST_CASE("a task fired as soon as the last one has run wakes whom it must") {
    with_pools(
        [](thread_pool& pool) { REQUIRE(rally(pool, load(10'000, 2'000), [] { return 0us; })); });
}

TEST_CASE("a task fired around the time at which a worker falls asleep is not missed") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    with_pools([&](thread_pool& pool) {
        // A worker looks for 50 us; how long the way into its sleep takes depends on the machine.
        REQUIRE(rally(pool, load(6'000, 2'000),
                      [&] { return std::chrono::nanoseconds(45'000 + random.roll(25'000)); }));
    });
}

TEST_CASE(
    "a task fired around the time at which a worker that adapts naps or sleeps is not missed") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    with_pools(
        [&](thread_pool& pool) {
            REQUIRE(rally(pool, load(2'000, 500), [&] {
                const bool is_long = random.roll(32) == 0; // so that hope comes and goes
                return std::chrono::nanoseconds(random.roll(is_long ? 20'000'000 : 150'000));
            }));
        },
        faf::wake::adaptive);
}

TEST_CASE("while the worker that stays near runs a long task, the next one has another woken") {
    for (const unsigned threads : {2U, 3U}) {
        CAPTURE(threads);
        thread_pool pool(
            {.threads = threads, .max_threads = threads, .wake_up = faf::wake::adaptive});
        const held_keeper nobody_helps;
        for (int round = 0; round < load(50, 10); ++round) {
            CAPTURE(round);
            REQUIRE(rally(pool, 10, [] { return 300us; })); // so that it naps
            std::atomic<bool> has_begun{false};
            std::atomic<bool> may_end{false};
            std::atomic<bool> has_ended{false};
            faf::fire_and_forget(pool, [&] {
                has_begun = true;
                may_end.wait(false);
                has_ended = true;
            });
            REQUIRE(very_soon([&] { return has_begun.load(); }));
            REQUIRE(rally(pool, 3, [] { return 100us; }));
            may_end = true;
            may_end.notify_all();
            REQUIRE(eventually([&] { return has_ended.load(); }));
        }
        CHECK(pool.drain(patience));
    }
}

TEST_CASE("tasks of several threads fired at any time wake whom they must") {
    with_pools([](thread_pool& pool) {
        CHECK(count_lost_rallies(pool, 3, load(5'000, 2'000), [](dice& random) {
                  const bool is_long = random.roll(8) == 0;
                  return std::chrono::nanoseconds(is_long ? random.roll(120'000) : 0);
              }) == 0);
    });
}

// See faults/thread_ended_by_task.cpp; with MinGW pthread_exit runs no destructors.
#if !defined(_WIN32) && !(defined(_LIBCPP_VERSION) && defined(__linux__))

TEST_CASE("a worker that a task has ended leaves somebody who looks, where one must") {
    for (int round = 0; round < load(100, 30); ++round) {
        CAPTURE(round);
        thread_pool pool({.threads = 2,
                          .max_threads = 2,
                          .wake_up = faf::wake::by_worker,
                          .on_error = [](const faf::error_report&) {}});
        std::atomic<bool> has_begun{false};
        std::atomic<bool> may_end{false};
        faf::fire_and_forget(pool, [&] {
            has_begun = true;
            may_end.wait(false);
        });
        REQUIRE(very_soon([&] { return has_begun.load(); }));
        {
            const held_keeper nobody_helps;
            faf::fire_and_forget(pool, [] { pthread_exit(nullptr); });
            REQUIRE(very_soon([&] { return pool.snapshot().failed == 1; }));
            std::atomic<bool> has_run{false};
            faf::fire_and_forget(pool, [&has_run] { has_run = true; });
            CHECK(very_soon([&] { return has_run.load(); }));
        }
        may_end = true;
        may_end.notify_all();
        REQUIRE(pool.drain(patience));
    }
}

#endif

#if defined(__linux__)

/// A process whose workers do not look before they sleep, as if there was one processor.
void stop_looking() {
    cpu_set_t before;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t i = 0; CPU_COUNT(&one) == 0; ++i) {
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
        }
    }
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    {
        thread_pool pool({.threads = 1}); // its worker finds out, for all workers to come
        faf::fire_and_forget(pool, [] {});
        CHECK(pool.drain(patience));
    }
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

const child sleepy("sleepy", [](ledger& book) {
    if (book.argument != 0) {
        faf::detail::asymmetric_barrier::choose(faf::detail::asymmetric_barrier::kind::symmetric);
    }
    stop_looking();
    dice random(2);
    with_pools([&](thread_pool& pool) {
        REQUIRE(rally(pool, load(40'000, 5'000),
                      [&] { return std::chrono::nanoseconds(random.roll(4'000)); }));
        CHECK(count_lost_rallies(pool, 2, load(10'000, 2'000), [](dice& own) {
                  return std::chrono::nanoseconds(own.roll(4'000));
              }) == 0);
    });
});

TEST_CASE("workers that sleep as soon as they have nothing to do miss nothing") {
    check_exit(run(sleepy, 0, 600s));
}

TEST_CASE("they don't either where both sides of the barrier are full fences") {
    check_exit(run(sleepy, 1, 600s));
}

#endif

// See faults/thread_ended_by_task.cpp; with MinGW pthread_exit runs no destructors.
#if !defined(_WIN32) && !(defined(_LIBCPP_VERSION) && defined(__linux__))

TEST_CASE("the place of a worker that a task has ended is filled by the next submit") {
    for (const auto who : {faf::wake::by_caller, faf::wake::by_worker}) {
        thread_pool pool({.threads = 2,
                          .max_threads = 2,
                          .wake_up = who,
                          .on_error = [](const faf::error_report&) {}});
        std::latch both_here(2);
        for (int i = 0; i < 2; ++i) {
            faf::fire_and_forget(pool, [&] { both_here.arrive_and_wait(); });
        }
        REQUIRE(pool.drain(patience));
        const held_keeper nobody_helps;
        for (int round = 0; round < load(100, 30); ++round) {
            CAPTURE(round);
            faf::fire_and_forget(pool, [] { pthread_exit(nullptr); });
            if (round % 2 == 0) { // both
                faf::fire_and_forget(pool, [] { pthread_exit(nullptr); });
            }
            const std::uint64_t lost = static_cast<std::uint64_t>(round + round / 2 + 1 + 1);
            REQUIRE(very_soon([&] { return pool.snapshot().failed == lost; }));
            std::latch all_here(2); // both places are filled
            std::atomic<int> begun{0};
            std::atomic<int> ended{0};
            for (int i = 0; i < 2; ++i) {
                faf::fire_and_forget(pool, [&] {
                    ++begun;
                    all_here.arrive_and_wait();
                    ++ended;
                });
                // One after the other: what a submit misses while a worker looks is the keeper's.
                REQUIRE(very_soon([&] { return begun == i + 1; }));
            }
            REQUIRE(very_soon([&] { return ended == 2; }));
        }
    }
}

#endif

} // namespace
