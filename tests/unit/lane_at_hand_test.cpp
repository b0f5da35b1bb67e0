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
        CHECK(lane_at_hand().of() == nullptr);
        pool_lane* used = nullptr;
        {
            const lane_of_this_thread own(lanes, priority::normal);
            used = own.get();
            CHECK(lane_at_hand().of() != &lanes); // it is in use
        }
        CHECK(lane_at_hand().of() == &lanes);
        CHECK(&lane_at_hand().lane() == used);
    });
}

TEST_CASE("a lane of another priority is not at hand") {
    with_lanes([](lane_set& lanes) {
        static_cast<void>(lane_of_this_thread(lanes, priority::high));
        CHECK(lane_at_hand().of() == nullptr);
    });
}

TEST_CASE("while a slot of the lane at hand is reserved, its thread is inside; then it is not") {
    with_lanes([](lane_set& lanes) {
        static_cast<void>(lane_of_this_thread(lanes, priority::normal));
        const lane_at_hand own;
        REQUIRE(own.try_begin());
        CHECK(is_inside_library());
        slot& first = own.reserve();
        CHECK_FALSE(is_inside_library());
        CHECK(lane_at_hand().of() == &lanes);
        const lane_at_hand in_between; // as of a task that the constructor of one fires
        REQUIRE(in_between.try_begin());
        slot& second = in_between.reserve();
        CHECK(&second == &first + 1);
        CHECK(lanes.pushed() == 0);
        in_between.publish(second, nothing);
        own.publish(first, nothing);
        CHECK(lanes.pushed() == 2);
        CHECK(first.type == &nothing);
        CHECK(lane_at_hand().of() == &lanes);
    });
}
