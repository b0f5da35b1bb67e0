// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/lane_at_hand.hpp>
#include <fire_and_forget/detail/queue/thread_lanes.hpp>

#include "catch.hpp"

#include <thread>

namespace {

using namespace faf::detail;
using faf::priority;

constexpr task_vtable nothing{nullptr, nullptr, 1, 1};

/// On a thread of its own, which has used no lane before.
template <class Fn>
void with_lanes(Fn fn) {
    lane_set& lanes = *new lane_set;
    std::thread([&] { fn(lanes); }).join();
    lanes.retire();
    lanes.release();
}

} // namespace

TEST_CASE("a thread has no lane at hand before it has used one") {
    with_lanes([](lane_set& lanes) {
        CHECK(this_thread.lanes == nullptr);
        pool_lane* used = nullptr;
        {
            const lane_of_this_thread own(lanes, priority::normal);
            used = own.get();
            CHECK_FALSE(lane_at_hand(&lanes).try_begin()); // it is in use
        }
        lane_at_hand own(&lanes);
        REQUIRE(own.try_begin());
        CHECK(&own.lane() == used);
        pool_lane::bury(own.reserve());
    });
}

TEST_CASE("a lane of another priority is not at hand") {
    with_lanes([](lane_set& lanes) {
        static_cast<void>(lane_of_this_thread(lanes, priority::high));
        CHECK(this_thread.lanes == nullptr);
    });
}

TEST_CASE("while a slot of the lane at hand is reserved, its thread is inside; then it is not") {
    with_lanes([](lane_set& lanes) {
        static_cast<void>(lane_of_this_thread(lanes, priority::normal));
        lane_at_hand own(&lanes);
        REQUIRE(own.try_begin());
        CHECK(is_inside_library());
        slot& first = own.reserve();
        CHECK_FALSE(is_inside_library());
        lane_at_hand in_between(&lanes); // as of a task that the constructor of one fires
        REQUIRE(in_between.try_begin());
        slot& second = in_between.reserve();
        CHECK(&second == &first + 1);
        CHECK(lanes.pushed() == 0);
        in_between.publish(second, nothing);
        own.publish(first, nothing);
        CHECK(lanes.pushed() == 2);
        CHECK(first.type == &nothing);
        CHECK(this_thread.lanes == &lanes);
    });
}

TEST_CASE("what is fired from inside, and from a sink that is called there, leaves a lane at hand "
          "with the lanes it is one of") {
    with_lanes([](lane_set& first) {
        with_lanes([&](lane_set& second) {
            static_cast<void>(lane_of_this_thread(second, priority::normal));
            pool_lane* const of_second = this_thread.lane;
            static_cast<void>(lane_of_this_thread(first, priority::normal));
            pool_lane* const of_first = this_thread.lane;
            {
                const inside_library going_on;
                static_cast<void>(lane_of_this_thread(second, priority::normal));
                CHECK(is_inside_library());
            }
            CHECK(this_thread.lanes == &first);
            CHECK(this_thread.lane == of_first);
            {
                inside_library waiting;
                {
                    const outside_library telling(waiting);
                    static_cast<void>(lane_of_this_thread(second, priority::normal));
                }
                CHECK(is_inside_library());
            }
            CHECK(this_thread.lanes == &second);
            CHECK(this_thread.lane == of_second);
        });
    });
}
