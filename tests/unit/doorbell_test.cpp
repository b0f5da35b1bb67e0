// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/doorbell.hpp>

#include "catch.hpp"

#include <cstdint>

using namespace faf::detail;
using turn = doorbell::turn;

TEST_CASE("a submit must ring only if somebody sleeps and nobody looks or is being rung for") {
    doorbell bell(2);
    CHECK(bell.is_needed());
    CHECK(bell.try_ring());
    CHECK_FALSE(bell.is_needed()); // one is being called
    CHECK(bell.wake_up() == turn::mine);
    CHECK_FALSE(bell.is_needed()); // and looks
    CHECK(bell.stop_looking());
    CHECK(bell.is_needed());
    CHECK(bell.wake_up() == turn::mine);
    CHECK_FALSE(bell.is_needed());
    CHECK_FALSE(bell.stop_looking());
    CHECK_FALSE(bell.is_needed()); // nobody sleeps
    CHECK(bell.sleepers() == 0);
}

TEST_CASE("a doorbell of the largest pool counts all its sleepers") {
    doorbell bell;
    CHECK_FALSE(bell.is_needed());
    bell.begin(doorbell::most_sleepers);
    CHECK(bell.sleepers() == doorbell::most_sleepers);
    CHECK(bell.is_needed());
    CHECK_FALSE(bell.has_looker());
    CHECK(bell.try_ring());
    CHECK(bell.sleepers() == doorbell::most_sleepers);
}

TEST_CASE("of those who ring only the first calls a sleeper, until one wakes") {
    doorbell bell(3);
    CHECK(bell.try_ring());
    CHECK_FALSE(bell.try_ring());
    CHECK(bell.wake_up() == turn::mine);
    CHECK_FALSE(bell.try_ring()); // it looks
    CHECK(bell.stop_looking());
    CHECK(bell.try_ring());
    CHECK_FALSE(bell.try_ring());
}

TEST_CASE("nobody rings while somebody looks") {
    doorbell bell(2);
    REQUIRE(bell.try_look() == doorbell::turn::mine);
    CHECK_FALSE(bell.try_ring());
    CHECK(bell.stop_looking());
    CHECK(bell.try_ring());
}

TEST_CASE("nobody rings where nobody sleeps") {
    doorbell bell(0);
    CHECK_FALSE(bell.is_needed());
    CHECK_FALSE(bell.try_ring());
    CHECK(bell.try_look() == turn::mine);
    CHECK_FALSE(bell.is_needed());
    CHECK_FALSE(bell.try_ring());
    CHECK_FALSE(bell.stop_looking());
}

TEST_CASE("a ring that found nobody to call can be taken back") {
    doorbell bell(1);
    CHECK(bell.try_ring());
    bell.give_up_ring();
    CHECK(bell.is_needed());
    CHECK(bell.try_ring());
    CHECK(bell.sleepers() == 1);
}

TEST_CASE("a worker that falls asleep clears the ring that it missed") {
    doorbell bell(1);
    for (const turn whose : {turn::mine, turn::of_another}) {
        CHECK(bell.try_ring());
        bell.fall_asleep(whose);
        CHECK(bell.is_needed());
    }
    CHECK(bell.sleepers() == 3);
}

TEST_CASE("a worker that wakes clears the ring, be it for its own sake or not") {
    doorbell bell(3);
    CHECK(bell.try_look() == turn::mine); // somebody else
    CHECK(bell.stop_looking());
    CHECK(bell.try_ring());
    CHECK(bell.wake_up() == turn::mine);
    CHECK(bell.sleepers() == 2);
    CHECK(bell.stop_looking());
    CHECK(bell.is_needed());
}

TEST_CASE("one worker at most has its turn at looking") {
    doorbell bell(2);
    CHECK(bell.try_look() == turn::mine);
    CHECK(bell.has_looker());
    CHECK(bell.try_look() == turn::of_another);
    CHECK(bell.wake_up() == turn::of_another);
    bell.fall_asleep(turn::of_another); // which leaves the turn alone
    CHECK(bell.has_looker());
    CHECK(bell.stop_looking());
    CHECK_FALSE(bell.has_looker());
    CHECK(bell.wake_up() == turn::mine);
    CHECK(bell.has_looker());
    bell.fall_asleep(turn::mine); // which ends it
    CHECK_FALSE(bell.has_looker());
    CHECK(bell.try_look() == turn::mine);
}

TEST_CASE("where somebody must look a worker falls asleep only while another one looks") {
    doorbell bell(0);
    CHECK(bell.look_or_fall_asleep() == turn::mine);
    CHECK(bell.has_looker());
    CHECK(bell.sleepers() == 0);
    CHECK(bell.look_or_fall_asleep() == turn::of_another);
    CHECK(bell.sleepers() == 1);
    CHECK(bell.has_looker());
    CHECK(bell.stop_looking());
    CHECK(bell.try_ring());
    CHECK(bell.look_or_fall_asleep() == turn::mine); // the ring is for somebody else
    CHECK(bell.stop_looking());
    CHECK_FALSE(bell.try_ring());
    CHECK(bell.try_look() == turn::mine);
    CHECK(bell.look_or_fall_asleep() == turn::of_another); // the ring may have been for this one
    CHECK(bell.stop_looking());
    CHECK(bell.sleepers() == 2);
    CHECK(bell.try_ring());
}

TEST_CASE("who stops looking learns whether somebody sleeps who may be needed") {
    doorbell bell(1);
    CHECK(bell.try_look() == turn::mine);
    CHECK(bell.stop_looking());
    CHECK(bell.wake_up() == turn::mine);
    CHECK_FALSE(bell.stop_looking());
}

TEST_CASE("sleepers are counted as they come and go") {
    doorbell bell(0);
    for (std::uint32_t i = 1; i <= 5; ++i) {
        bell.fall_asleep(turn::of_another);
        CHECK(bell.sleepers() == i);
    }
    for (std::uint32_t i = 5; i > 0; --i) {
        CHECK(bell.sleepers() == i);
        bell.wake_up();
    }
    CHECK(bell.sleepers() == 0);
}

TEST_CASE("each call moves the epoch, and nothing else does") {
    doorbell bell(4);
    const std::int32_t first = bell.epoch();
    CHECK(bell.try_ring());
    bell.give_up_ring();
    bell.wake_up();
    bell.fall_asleep(turn::mine);
    bell.leave_to_workers();
    bell.leave_to_all();
    CHECK(bell.epoch() == first);
    bell.call_one();
    CHECK(bell.epoch() == first + 1);
    bell.call_one(); // to make sure
    CHECK(bell.epoch() == first + 2);
    bell.call_all();
    CHECK(bell.epoch() == first + 3);
}

TEST_CASE("a call between reading the epoch and waiting is not missed") {
    doorbell bell(0);
    const std::int32_t before_one = bell.epoch();
    bell.fall_asleep(turn::of_another);
    CHECK(bell.try_ring());
    bell.call_one();
    bell.wait(before_one); // returns at once
    CHECK(bell.wake_up() == turn::mine);
    const std::int32_t before_all = bell.epoch();
    bell.fall_asleep(turn::mine);
    bell.call_all();
    bell.wait(before_all);
    CHECK(bell.sleepers() == 1);
}

TEST_CASE("submits see no need to ring where it is left to workers, who do") {
    doorbell bell(2);
    bell.leave_to_workers();
    bell.leave_to_workers();
    CHECK_FALSE(bell.is_needed());
    CHECK(bell.sleepers() == 2);
    CHECK(bell.try_ring());
    CHECK_FALSE(bell.try_ring());
    CHECK(bell.wake_up() == turn::mine);
    CHECK(bell.stop_looking());
    bell.fall_asleep(turn::of_another);
    CHECK_FALSE(bell.is_needed());
    CHECK(bell.try_ring());
    bell.give_up_ring();
    CHECK_FALSE(bell.is_needed());
    bell.leave_to_all();
    CHECK(bell.is_needed());
}

TEST_CASE("a call ends the nap of the one who looks, also if it comes first") {
    doorbell bell(1);
    CHECK(bell.try_look() == turn::mine);
    std::uint32_t seen = bell.calls_of_napper();
    bell.call_napper();
    bell.nap(seen, never);
    seen = bell.calls_of_napper();
    bell.call_all();
    bell.nap(seen, never);
    seen = bell.calls_of_napper();
    bell.stop_looking();
    bell.call_napper();
    CHECK(bell.calls_of_napper() == seen); // nobody looks, so nobody naps
}
