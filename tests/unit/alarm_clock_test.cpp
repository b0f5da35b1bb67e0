// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/alarm_clock.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <cstdint>
#include <thread>

using namespace faf::detail;
using faf_test::patience;

TEST_CASE("a call between the look and the sleep is not missed") {
    alarm_clock bell;
    const std::uint32_t seen = bell.calls();
    bell.call();
    bell.sleep(seen, never); // returns
    CHECK(bell.calls() != seen);
}

TEST_CASE("a sleep ends when its time has come") {
    alarm_clock bell;
    const steady_time end = deadline_after(std::chrono::milliseconds(5));
    while (steady_clock::now() < end) {
        bell.sleep(bell.calls(), end);
    }
    bell.sleep(bell.calls(), end); // which has passed
    bell.sleep(bell.calls(), (steady_time::min)());
    CHECK(steady_clock::now() >= end);
}

TEST_CASE("a sleeper is woken by a call") {
    alarm_clock bell;
    std::atomic<bool> is_awake{false};
    const std::uint32_t seen = bell.calls();
    std::thread sleeper([&] {
        while (bell.calls() == seen) {
            bell.sleep(seen, never);
        }
        is_awake = true;
    });
    bell.insist(); // of no consequence: nobody has called
    bell.call();
    CHECK(faf_test::eventually([&] { return is_awake.load(); }));
    sleeper.join();
}
