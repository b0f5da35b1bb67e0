// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/time.hpp>

#include "catch.hpp"

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>

using namespace faf::detail;
using namespace std::chrono_literals;

TEST_CASE("a deadline is its delay after the start") {
    const steady_time start(100s);
    CHECK(later(start, 5s) == start + 5s);
    CHECK(later(start, 0s) == start);
}

TEST_CASE("a negative delay means at once and one too long means never") {
    const steady_time start(100s);
    CHECK(later(start, -5s) == start);
    CHECK(later(start, std::chrono::nanoseconds::min()) == start);
    CHECK(later(start, std::chrono::nanoseconds::max()) == steady_time::max());
    CHECK(deadline_after(std::chrono::nanoseconds::max()) == steady_time::max());
    const auto longest = steady_time::max() - start;
    CHECK(later(start, longest) == steady_time::max());
    CHECK(later(start, longest - 1ns) == steady_time::max() - 1ns);
}

TEST_CASE("a wait for a deadline that has passed returns") {
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock lock(mutex);
    wait_until(changed, lock, steady_clock::now());
    CHECK(lock.owns_lock());
}

TEST_CASE("the time of day is that of the system's clock") {
    const std::time_t before = std::time(nullptr);
    wall_time now = wall_time::now();
    const std::time_t after = std::time(nullptr);
    const std::time_t seconds = ::timegm(&now.utc);
    CHECK(seconds >= before - 1); // time() may lag behind by a tick
    CHECK(seconds <= after + 1);
    CHECK(now.milliseconds >= 0);
    CHECK(now.milliseconds < 1000);
}
