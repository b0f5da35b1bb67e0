// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/queue/crowding.hpp>

#include "catch.hpp"

#include <chrono>
#include <cstdint>

using namespace faf::detail;
using namespace std::chrono_literals;

namespace {

/// A worker at a lane from which others take as well.
struct watched_lane {
    crowding its;
    std::uint64_t taken = 7;
    steady_time now{1s};

    watched_lane() { its.begin(taken); }

    /// It takes tasks, with `others` taken before each of them, until it has to settle, which takes
    /// `each` for all of them.
    bool settles(std::uint64_t others, std::chrono::nanoseconds each) {
        for (std::uint64_t own = 1;; ++own) {
            REQUIRE(own <= 16);
            if (its.note(taken += others + 1)) {
                now += each * static_cast<std::int64_t>(own * (others + 1));
                return its.settle(now);
            }
        }
    }
};

} // namespace

TEST_CASE("a lane whose short tasks others take as often is left to them") {
    watched_lane lane;
    CHECK_FALSE(lane.settles(1, 100ns)); // it has not begun to count
    CHECK(lane.settles(1, 100ns));
    CHECK(lane.settles(100, 25ns));
    CHECK(lane.settles(1, 100ns));
}

TEST_CASE("a lane that nobody else takes from, or seldom, is not left") {
    watched_lane lane;
    for (int i = 0; i < 5; ++i) {
        CHECK_FALSE(lane.settles(0, 25ns));
    }
    lane.its.note(lane.taken += 2); // another took one
    CHECK_FALSE(lane.settles(0, 25ns));
}

TEST_CASE("a lane with tasks that take their time is left to nobody") {
    watched_lane lane;
    CHECK_FALSE(lane.settles(1, 1us));
    CHECK_FALSE(lane.settles(1, 1us));
    CHECK_FALSE(lane.settles(100, 1us));
    CHECK(lane.settles(1, 100ns));
}

TEST_CASE("what others took from a lane before a worker came to it does not count") {
    watched_lane lane;
    CHECK_FALSE(lane.settles(1, 100ns));
    lane.its.begin(lane.taken += 1000);
    CHECK_FALSE(lane.settles(0, 25ns));
    CHECK_FALSE(lane.settles(0, 25ns));
}
