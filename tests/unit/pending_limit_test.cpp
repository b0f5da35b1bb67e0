// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/pending_limit.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <thread>

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
    limit.leave();
    CHECK(faf_test::eventually([&] { return has_entered.load(); }));
    is_over = true;
    limit.wake_all(); // or a failure would be a hang
    waiting.join();
}
