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
    const wall_time now = wall_time::now();
    const std::time_t after = std::time(nullptr);
    using namespace std::chrono;
    const std::chrono::day day_of_month(static_cast<unsigned>(now.utc.tm_mday));
    const sys_days day = year(now.utc.tm_year + 1900) /
                         month(static_cast<unsigned>(now.utc.tm_mon) + 1) / day_of_month;
    const std::time_t seconds = system_clock::to_time_t(day) + 3600 * now.utc.tm_hour +
                                60 * now.utc.tm_min + now.utc.tm_sec;
    CHECK(seconds >= before - 1); // time() may lag behind by a tick
    CHECK(seconds <= after + 1);
    CHECK(now.milliseconds >= 0);
    CHECK(now.milliseconds < 1000);
}
