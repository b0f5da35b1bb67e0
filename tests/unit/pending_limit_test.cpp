// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/reentry.hpp>
#include <fire_and_forget/detail/queue/pending_limit.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

using faf::detail::deadline_after;
using faf::detail::pending_limit;
using faf::detail::steady_time;

namespace {

constexpr auto never_over = [] { return false; };
constexpr steady_time long_ago{};

} // namespace

TEST_CASE("a limit of none is no limit") {
    CHECK_FALSE(pending_limit(0).exists());
    CHECK(pending_limit(1).exists());
}

TEST_CASE("a limit lets in as many as it has places") {
    pending_limit limit(3);
    CHECK(limit.try_enter());
    CHECK(limit.try_enter());
    CHECK(limit.try_enter());
    CHECK_FALSE(limit.try_enter());
    CHECK_FALSE(limit.try_enter());
    limit.leave();
    CHECK(limit.try_enter());
    CHECK_FALSE(limit.try_enter());
}

TEST_CASE("places can be given back several at a time") {
    pending_limit limit(3);
    CHECK(limit.try_enter());
    CHECK(limit.try_enter());
    CHECK(limit.try_enter());
    limit.leave(2);
    CHECK(limit.try_enter());
    CHECK(limit.try_enter());
    CHECK_FALSE(limit.try_enter());
}

TEST_CASE("there may be as many places as can be counted") {
    pending_limit limit(SIZE_MAX);
    CHECK(limit.exists());
    CHECK(limit.try_enter());
    CHECK(limit.try_enter());
    limit.leave(2);
}

TEST_CASE("who must not be refused enters a full limit, and as many must leave before the next") {
    pending_limit limit(1);
    CHECK(limit.try_enter());
    limit.enter_anyway();
    limit.enter_anyway();
    CHECK_FALSE(limit.try_enter());
    limit.leave();
    CHECK_FALSE(limit.try_enter());
    limit.leave();
    CHECK_FALSE(limit.try_enter());
    limit.leave();
    CHECK(limit.try_enter());
}

TEST_CASE("who waits for a place takes a free one at once, even if his time is over") {
    pending_limit limit(1);
    CHECK(limit.wait_enter(long_ago, never_over));
    CHECK_FALSE(limit.try_enter());
}

TEST_CASE("who waits for a place in vain gives up when his time is over, and holds none") {
    pending_limit limit(1);
    CHECK(limit.try_enter());
    CHECK_FALSE(limit.wait_enter(long_ago, never_over));
    limit.leave();
    CHECK(limit.try_enter());
}

TEST_CASE("what a handler of a signal fires does not meet the lock of who waits for a place") {
    pending_limit limit(1);
    REQUIRE(limit.try_enter());
    bool is_inside = false;
    CHECK_FALSE(limit.wait_enter(deadline_after(std::chrono::hours(1)), [&] {
        is_inside = faf::detail::is_inside_library();
        return true;
    }));
    CHECK(is_inside);
}

TEST_CASE("who waits for a place gives up when all is over") {
    pending_limit limit(1);
    CHECK(limit.try_enter());
    int asked = 0;
    CHECK_FALSE(limit.wait_enter(steady_time::max(), [&] { return ++asked == 3; }));
    CHECK(asked == 3);
}

TEST_CASE(
    "who gives a place back wakes the one who waits for it, who need not look again by himself") {
    pending_limit limit(1, std::chrono::hours(1));
    CHECK(limit.try_enter());
    // Having looked in vain he sleeps at once.
    CHECK_FALSE(limit.wait_enter(deadline_after(std::chrono::milliseconds(1)), never_over));
    std::atomic<bool> waits{false};
    std::atomic<bool> has_entered{false};
    std::atomic<bool> is_over{false};
    std::thread waiting([&] {
        has_entered = limit.wait_enter(steady_time::max(), [&] {
            waits = true; // under the lock that he gives up when he waits
            return is_over.load();
        });
    });
    CHECK(faf_test::eventually([&] { return waits.load(); }));
    // Who gets the lock finds him asleep.
    CHECK_FALSE(limit.wait_enter(long_ago, never_over));
    limit.leave();
    CHECK(faf_test::eventually([&] { return has_entered.load(); }));
    CHECK_FALSE(limit.is_awaited());
    is_over = true;
    limit.wake_all(); // or a failure would be a hang
    waiting.join();
}

TEST_CASE("all who wait come in when as many places are given back at once: they wake each other") {
    constexpr int callers = 5;
    pending_limit limit(callers, std::chrono::hours(1));
    for (int i = 0; i < callers; ++i) {
        CHECK(limit.try_enter());
    }
    std::atomic<int> asked{0};
    std::atomic<int> entered{0};
    std::atomic<bool> is_over{false};
    std::vector<std::thread> waiting;
    for (int i = 0; i < callers; ++i) {
        waiting.emplace_back([&] {
            bool has_asked = false;
            const bool has_entered = limit.wait_enter(steady_time::max(), [&] {
                asked += std::exchange(has_asked, true) ? 0 : 1;
                return is_over.load();
            });
            entered += has_entered ? 1 : 0;
        });
    }
    CHECK(faf_test::eventually([&] { return asked == callers; }));
    limit.leave(callers);
    CHECK(faf_test::eventually([&] { return entered == callers; }));
    is_over = true;
    limit.wake_all(); // or a failure would be a hang
    for (std::thread& one : waiting) {
        one.join();
    }
    CHECK_FALSE(limit.try_enter());
}

TEST_CASE("when the time of the first in line is over, the next one waits in its stead") {
    pending_limit limit(1, std::chrono::hours(1));
    CHECK(limit.try_enter());
    std::atomic<int> entered{0};
    std::atomic<bool> is_over{false};
    const auto wait_until = [&](steady_time deadline, std::atomic<bool>& waits) {
        const bool has_entered = limit.wait_enter(deadline, [&] {
            waits = true;
            return is_over.load();
        });
        entered += has_entered ? 1 : 0;
    };
    std::atomic<bool> first_waits{false};
    std::atomic<bool> second_waits{false};
    std::thread first(
        [&] { wait_until(deadline_after(std::chrono::milliseconds(20)), first_waits); });
    CHECK(faf_test::eventually([&] { return first_waits.load(); }));
    std::thread second([&] { wait_until(steady_time::max(), second_waits); });
    CHECK(faf_test::eventually([&] { return second_waits.load(); }));
    first.join();
    CHECK(entered == 0);
    limit.leave();
    CHECK(faf_test::eventually([&] { return entered == 1; }));
    is_over = true;
    limit.wake_all(); // or a failure would be a hang
    second.join();
}

TEST_CASE("who has learned to wait for many places takes the only one that comes") {
    constexpr int rounds = 50;
    pending_limit limit(64, std::chrono::hours(1));
    for (int i = 0; i < 64; ++i) {
        CHECK(limit.try_enter());
    }
    std::atomic<int> entered{0};
    std::atomic<bool> is_over{false};
    std::thread waiting([&] {
        while (!is_over) {
            const bool has_entered =
                limit.wait_enter(steady_time::max(), [&] { return is_over.load(); });
            entered += has_entered ? 1 : 0;
        }
    });
    bool has_come = true; // some of them quickly one after the other, so it learns
    for (int i = 1; i <= rounds && has_come; ++i) {
        limit.leave();
        has_come = faf_test::eventually([&] { return entered >= i; });
    }
    is_over = true;
    limit.wake_all(); // or a failure would be a hang
    waiting.join();
    CHECK(entered == rounds);
}
