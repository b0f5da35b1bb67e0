// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/cpu_use.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#if defined(__linux__)
#include "tells_of_locks.hpp"
#endif

namespace {

using namespace faf::detail;
using namespace std::chrono_literals;

/// Looks every five milliseconds at a thread that has had a processor for `share` of each.
struct watched_thread {
    cpu_use use{};
    steady_time now{1h};
    std::chrono::nanoseconds used{5s};

    thread_activity look(std::chrono::nanoseconds share) {
        now += 5ms;
        used += share;
        return use.note(now, used);
    }
};

} // namespace

TEST_CASE("nothing is known of a thread before it was watched for fifty milliseconds") {
    watched_thread one;
    for (int i = 0; i < 10; ++i) {
        CHECK(one.look(0ms) == thread_activity::unknown);
    }
    CHECK(one.look(0ms) == thread_activity::blocked);
}

TEST_CASE("a thread that has a fiftieth of a processor is able to run") {
    watched_thread one;
    for (int i = 0; i < 10; ++i) {
        one.look(100us);
    }
    CHECK(one.look(100us) == thread_activity::able);
}

TEST_CASE("a thread that stops using a processor is known to be blocked a stretch later") {
    watched_thread one;
    for (int i = 0; i < 11; ++i) {
        one.look(5ms);
    }
    for (int i = 0; i < 9; ++i) {
        CHECK(one.look(0ms) == thread_activity::able);
    }
    CHECK(one.look(0ms) == thread_activity::blocked);
}

TEST_CASE("what was known long ago is not known any more") {
    watched_thread one;
    for (int i = 0; i < 11; ++i) {
        one.look(0ms);
    }
    one.now += 1h;
    CHECK(one.look(0ms) == thread_activity::unknown);
}

TEST_CASE("another thread by the same number is not taken for the first") {
    watched_thread one;
    for (int i = 0; i < 11; ++i) {
        one.look(0ms);
    }
    one.used = 0ms;
    CHECK(one.look(0ms) == thread_activity::unknown);
}

TEST_CASE(
    "who was blocked still is as long as it has not run, but that is relied on for a moment") {
    const steady_time start(1h);
    cpu_use one;
    CHECK_FALSE(one.is_still_blocked(start, 3ms));
    one.note_blocked(start, 3ms);
    CHECK(one.is_still_blocked(start, 3ms));
    CHECK(one.is_still_blocked(start + 4999us, 3ms));
    CHECK_FALSE(one.is_still_blocked(start, 3ms + 1ns));
    CHECK_FALSE(one.is_still_blocked(start + 5ms, 3ms));
    one.note_blocked(start + 5ms, 3ms);
    CHECK(one.is_still_blocked(start + 9ms, 3ms));
}

TEST_CASE("a thread at a lock counts as blocked when it has not run for a quarter of a second") {
    const steady_time start(1h);
    cpu_use one;
    CHECK_FALSE(one.is_locked_out(start, 3ms));
    CHECK_FALSE(one.is_locked_out(start + 249ms, 3ms));
    CHECK(one.is_locked_out(start + 250ms, 3ms));
    CHECK_FALSE(one.is_locked_out(start + 251ms, 3ms + 1ns));
    CHECK_FALSE(one.is_locked_out(start + 500ms, 3ms + 1ns));
    CHECK(one.is_locked_out(start + 501ms, 3ms + 1ns));
}

#if defined(__linux__)

TEST_CASE("the system tells what threads do, and what they have used") {
    std::atomic<bool> may_end{false};
    std::atomic<long> number{0};
    std::thread other([&] {
        number = thread_number();
        may_end.wait(false);
    });
    CHECK(faf_test::eventually([&] { return number != 0; }));
    CHECK(faf_test::eventually([&] { return activity_of(number) == thread_activity::blocked; }));
    CHECK(cpu_time_of(number) > 0ns);
    CHECK(activity_of(thread_number()) == thread_activity::able);
    const std::chrono::nanoseconds before = cpu_time_of(thread_number());
    CHECK(faf_test::eventually([&] { return cpu_time_of(thread_number()) > before; }));
    may_end = true;
    may_end.notify_all();
    other.join();
    CHECK(faf_test::eventually([&] { return activity_of(number) == thread_activity::unknown; }));
    CHECK(faf_test::eventually([&] { return cpu_time_of(number) < 0ns; }));
}

TEST_CASE("the system tells of a thread that it is at a lock") {
    if (!faf_test::tells_of_locks()) {
        WARN("left out: it does not");
        return;
    }
    std::mutex held;
    held.lock();
    std::atomic<long> number{0};
    std::thread other([&] {
        number = thread_number();
        const std::lock_guard lock(held);
    });
    CHECK(faf_test::eventually(
        [&] { return number != 0 && activity_of(number) == thread_activity::at_lock; }));
    held.unlock();
    other.join();
    CHECK_FALSE(is_at_lock(number));
}

#endif
