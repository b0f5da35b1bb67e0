// SPDX-License-Identifier: MIT
// What a pool asks of the system while tasks keep coming, and when they have stopped: this program
// counts the calls that go through syscall(), as those that wake and wait do.

#include "catch.hpp"
#include "eventually.hpp"
#include "own_syscall.hpp"
#include "rally.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

namespace {

thread_local constinit long calls_of_this_thread = 0;
constinit std::atomic<long> calls_of_all{0};

} // namespace

std::optional<long> faf_test::answer_instead(const system_call&) noexcept {
    ++calls_of_this_thread;
    ++calls_of_all;
    return {};
}

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;
using faf::wake;

/// What the calling thread asked of the system in its submits: in those for which one who stays
/// near was there, and in the others.
struct stream {
    int submits = 0;
    long calls = 0;
    long other_calls = 0;
};

/// Fires one task after the other, and rests in between for longer than a worker looks. A submit
/// does not count if it or one of the last few came after a pause that is long for a worker to stay
/// near: the system may have kept this thread, or that one, from going on.
stream fire_steadily(thread_pool& pool, int submits) {
    constexpr int enough_in_a_row = 10;
    const faf::detail::doorbell& bell = faf::detail::core_access::of(pool).lanes().bell;
    stream all;
    std::atomic<int> runs{0};
    int in_a_row = 0;
    auto last = std::chrono::steady_clock::now();
    for (int fired = 1; fired <= submits; ++fired) {
        const long before = calls_of_this_thread;
        fire_and_forget(pool, [&] { ++runs; });
        const long calls = calls_of_this_thread - before;
        const auto now = std::chrono::steady_clock::now();
        in_a_row = now - last < 2ms ? in_a_row + 1 : 0;
        last = now;
        if (in_a_row > enough_in_a_row) {
            ++all.submits;
            all.calls += calls;
        } else {
            all.other_calls += calls;
        }
        REQUIRE(very_soon([&] { return runs == fired; }));
        while (!bell.has_looker() && std::chrono::steady_clock::now() - last < 2ms) {
            faf::detail::cpu_relax();
        }
        spin_for(300us);
    }
    return all;
}

/// Whether nobody asks for anything for a while, if one waits long enough for that.
bool comes_to_rest() {
    return eventually([] {
        const long before = calls_of_all;
        std::this_thread::sleep_for(100ms); // the keeper ticks every 5 ms, and naps are shorter
        return calls_of_all == before;
    });
}

TEST_CASE("a submit makes no system call while tasks keep coming, where workers adapt") {
    for (const unsigned threads : {1U, 2U, 3U}) {
        CAPTURE(threads);
        thread_pool pool({.threads = threads, .max_threads = threads, .wake_up = wake::adaptive});
        const stream all = fire_steadily(pool, 2'000);
        CAPTURE(all.submits);
        CHECK(all.calls == 0);
    }
}

TEST_CASE("the same stream of tasks makes system calls where callers wake") {
    thread_pool pool({.threads = 2, .max_threads = 2, .wake_up = wake::by_caller});
    CHECK(eventually([&] {
        const stream all = fire_steadily(pool, 100);
        return all.calls + all.other_calls > 0;
    }));
}

TEST_CASE("when tasks have stopped coming, nobody is woken any more") {
    for (const wake way : {wake::adaptive, wake::by_caller}) {
        thread_pool pool({.threads = 2, .max_threads = 2, .wake_up = way});
        for (int round = 0; round < 3; ++round) {
            fire_steadily(pool, 100);
            CHECK(comes_to_rest());
        }
    }
}

TEST_CASE("a worker does not stay near for what the timers start") {
    constexpr int many = 100;
    std::atomic<int> runs{0};
    thread_pool pool({.threads = 1, .max_threads = 1, .wake_up = wake::adaptive});
    const faf::detail::doorbell& bell = faf::detail::core_access::of(pool).lanes().bell;
    fire_and_forget(pool, {.every = 1ms}, [&] { ++runs; });
    CHECK(eventually([&] { // it is called for most of them
        const int runs_before = runs;
        const std::int32_t calls_before = bell.epoch();
        REQUIRE(eventually([&] { return runs >= runs_before + many; }));
        return bell.epoch() - calls_before > many / 2;
    }));
}

TEST_CASE(
    "a single task wakes a worker and the one who looks after the pools, and asks for no more") {
    for (const wake way : {wake::adaptive, wake::by_caller}) {
        thread_pool pool({.threads = 2, .max_threads = 2, .wake_up = way});
        REQUIRE(rally(pool, 10, [] { return 300us; }));
        REQUIRE(eventually([&] {
            CHECK(comes_to_rest());
            const long before = calls_of_this_thread;
            fire_and_forget(pool, [] {});
            const long calls = calls_of_this_thread - before;
            CHECK(calls <= 2);
            return calls == 2; // else one was still on its way to sleep
        }));
    }
}

} // namespace
