// SPDX-License-Identifier: MIT
// The system loses the one wake-up that counts: nothing moves any more until somebody finds out.

#include "catch.hpp"
#include "eventually.hpp"
#include "futex_faults.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <filesystem>
#include <latch>
#include <optional>
#include <string>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;

/// Longer than the keeper ticks when there is nothing to do: all sleep, and nobody looks after
/// them.
constexpr auto long_rest = 100ms;

void hire_all(thread_pool& pool, unsigned threads) {
    std::latch all_here(threads);
    for (unsigned i = 0; i < threads; ++i) {
        fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
    }
    REQUIRE(pool.drain(patience));
}

/// Whether no thread of the process but this one gets on.
bool all_others_wait() {
    using namespace faf::detail;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        const long number = std::stol(entry.path().filename());
        if (number != thread_number() && activity_of(number) == thread_activity::able) {
            return false;
        }
    }
    return true;
}

/// Hires them all, and lets them fall asleep, and the keeper as well.
void get_to_rest(thread_pool& pool, unsigned threads) {
    hire_all(pool, threads);
    const faf::detail::doorbell& bell = faf::detail::core_access::of(pool).lanes().bell;
    REQUIRE(eventually([&] {
        const long waits = futexes.waits;
        if (bell.sleepers() < threads || !all_others_wait()) {
            return false;
        }
        std::this_thread::sleep_for(long_rest);
        return futexes.waits == waits && all_others_wait();
    }));
}

/// Takes all it has lost back from the next test.
struct lossless_again {
    lossless_again() noexcept = default;
    lossless_again(const lossless_again&) = delete;
    lossless_again& operator=(const lossless_again&) = delete;
    ~lossless_again() {
        futexes.wakes_to_lose = 0;
        futexes.lose_one_in = 0;
    }
};

TEST_CASE("a task runs although the wake-up for it was lost, and those after it") {
    const lossless_again at_the_end;
    for (const unsigned threads : {1U, 2U, 4U}) {
        CAPTURE(threads);
        thread_pool pool({.threads = threads, .max_threads = threads});
        for (int round = 0; round < 5; ++round) {
            get_to_rest(pool, threads);
            const long lost_before = futexes.lost;
            futexes.wakes_to_lose = 1;
            std::atomic<int> runs{0};
            fire_and_forget(pool, [&] { ++runs; });
            CHECK(futexes.lost == lost_before + 1);
            CHECK(eventually([&] { return runs == 1; }));
            for (int i = 0; i < 100; ++i) {
                fire_and_forget(pool, [&] { ++runs; });
            }
            CHECK(eventually([&] { return runs == 101; }));
        }
    }
}

TEST_CASE("whichever of the wake-ups around a task is lost, it runs") {
    const lossless_again at_the_end;
    thread_pool pool({.threads = 2, .max_threads = 2});
    for (long which = 1; which <= 8; ++which) {
        CAPTURE(which);
        get_to_rest(pool, 2);
        std::atomic<int> runs{0};
        constexpr long many = 1'000'000;
        futexes.wakes = many - which;
        futexes.lose_one_in = many;
        for (int i = 0; i < 3; ++i) {
            fire_and_forget(pool, [&] { ++runs; });
        }
        CHECK(eventually([&] { return runs == 3; }));
        futexes.lose_one_in = 0;
    }
}

TEST_CASE("where workers wake each other, one lost wake-up does not end that") {
    const lossless_again at_the_end;
    thread_pool pool({.threads = 3, .max_threads = 3, .wake_up = faf::wake::by_worker});
    for (int round = 0; round < load(20, 5); ++round) {
        hire_all(pool, 3);
        std::this_thread::sleep_for(long_rest); // one looks on
        futexes.wakes_to_lose =
            1 + round % 2; // the one who looks takes a task and rings for another
        std::atomic<bool> may_end{false};
        fire_and_forget(pool, [&] { may_end.wait(false); });
        std::atomic<int> runs{0};
        for (int i = 0; i < 10; ++i) {
            fire_and_forget(pool, [&] { ++runs; });
        }
        CHECK(eventually([&] { return runs == 10; }));
        futexes.wakes_to_lose = 0;
        may_end = true;
        may_end.notify_all();
        REQUIRE(pool.drain(patience));
    }
}

TEST_CASE("a drain finds out that wake-ups were lost, and calls again") {
    const lossless_again at_the_end;
    thread_pool pool({.threads = 2, .max_threads = 2});
    get_to_rest(pool, 2);
    std::atomic<int> runs{0};
    futexes.wakes_to_lose = 1'000; // that of the keeper is one of them
    for (int i = 0; i < 1'000; ++i) {
        fire_and_forget(pool, [&] { ++runs; });
    }
    std::this_thread::sleep_for(long_rest);
    CHECK(runs == 0);
    futexes.wakes_to_lose = 0;
    CHECK(pool.drain(patience));
    CHECK(runs == 1'000);
}

TEST_CASE("a shutdown finds out that wake-ups were lost, and abandons nothing") {
    const lossless_again at_the_end;
    thread_pool pool({.threads = 2, .max_threads = 2});
    get_to_rest(pool, 2);
    std::atomic<int> runs{0};
    futexes.wakes_to_lose = 1'000;
    for (int i = 0; i < 1'000; ++i) {
        fire_and_forget(pool, [&] { ++runs; });
    }
    std::this_thread::sleep_for(long_rest);
    futexes.wakes_to_lose = 2; // and some more meanwhile
    CHECK(pool.shutdown(patience));
    CHECK(runs == 1'000);
    CHECK(pool.snapshot().dropped == 0);
}

TEST_CASE("workers end although the wake-up for their end was lost") {
    const lossless_again at_the_end;
    for (int round = 0; round < load(10, 3); ++round) {
        std::optional<thread_pool> pool;
        pool.emplace(faf::pool_options{.threads = 4, .max_threads = 4});
        get_to_rest(*pool, 4);
        futexes.wakes_to_lose = 1;
        pool.reset();
        futexes.wakes_to_lose = 0;
    }
}

TEST_CASE("a timer of an idle program fires although the wake-up of the keeper was lost") {
    const lossless_again at_the_end;
    thread_pool pool({.threads = 2, .max_threads = 2});
    for (int round = 0; round < 5; ++round) {
        get_to_rest(pool, 2);
        std::atomic<bool> has_run{false};
        futexes.wakes_to_lose = 1;
        fire_and_forget(pool, {.after = 10ms}, [&] { has_run = true; });
        CHECK(futexes.wakes_to_lose == 0);
        CHECK(eventually([&] { return has_run.load(); }));
    }
}

TEST_CASE("a system that loses one wake-up in three costs no task, and no pool its end") {
    const lossless_again at_the_end;
    for (const faf::wake way : {faf::wake::adaptive, faf::wake::by_caller, faf::wake::by_worker}) {
        futexes.lose_one_in = 3;
        std::atomic<long> runs{0};
        thread_pool pool({.threads = 3, .wake_up = way});
        for (int round = 0; round < load(300, 50); ++round) {
            for (int i = 0; i < 5; ++i) {
                fire_and_forget(pool, [&] { ++runs; });
            }
            if (round % 3 == 0) {
                std::this_thread::sleep_for(200us);
            }
        }
        CHECK(pool.drain(patience));
        CHECK(runs == 5 * load(300, 50));
        CHECK(pool.shutdown(patience));
    }
}

} // namespace
