// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/observe/log_histogram.hpp>

#include "catch.hpp"

#include <chrono>
#include <cstdint>

namespace {

using faf::detail::log_histogram;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

TEST_CASE("an empty histogram has no times") {
    const log_histogram none;
    CHECK(none.count() == 0);
    CHECK(none.sum() == 0ns);
    CHECK(none.percentile(0.5) == 0ns);
    CHECK(none.below_power(34) == 0);
}

TEST_CASE("a percentile is the time itself or up to an eighth more") {
    for (std::int64_t ns = 1; ns < 2'000'000'000; ns = ns * 3 + 1) {
        log_histogram times;
        times.add(nanoseconds(ns));
        times.add(nanoseconds(4 * ns));
        const std::int64_t half = times.percentile(0.5).count();
        CHECK(half >= ns);
        CHECK(half <= ns + ns / 8);
        CHECK(times.percentile(1) == nanoseconds(4 * ns));
        CHECK(times.most() == nanoseconds(4 * ns));
        CHECK(times.sum() == nanoseconds(5 * ns));
    }
}

TEST_CASE("percentiles of many times stand in their order") {
    log_histogram times;
    for (int us = 1; us <= 1'000; ++us) {
        times.add(std::chrono::microseconds(us));
    }
    CHECK(times.percentile(0.5) >= 500us);
    CHECK(times.percentile(0.5) <= 563us);
    CHECK(times.percentile(0.99) >= 990us);
    CHECK(times.percentile(0.99) <= 1'000us);
    CHECK(times.percentile(0) >= 1us);
    CHECK(times.percentile(0) <= 1'125ns);
}

TEST_CASE("the times below a power of two are counted exactly") {
    log_histogram times;
    for (const int ns : {0, 7, 8, 1'023, 1'024, 1'025, 2'047, 2'048}) {
        times.add(nanoseconds(ns));
    }
    CHECK(times.below_power(3) == 2);
    CHECK(times.below_power(10) == 4);
    CHECK(times.below_power(11) == 7);
    CHECK(times.below_power(12) == 8);
}

TEST_CASE("times that are negative or out of range are counted all the same") {
    log_histogram times;
    times.add(-5ns);
    times.add(std::chrono::hours(1'000));
    CHECK(times.count() == 2);
    CHECK(times.percentile(0.5) == 0ns);
    CHECK(times.most() == std::chrono::hours(1'000));
    CHECK(times.below_power(34) == 1);
}

} // namespace
