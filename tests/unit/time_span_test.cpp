// SPDX-License-Identifier: MIT
#include <fire_and_forget/time_span.hpp>

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <ratio>
#include <thread>
#include <type_traits>

namespace {

using faf::fire_and_forget;
using faf::time_span;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using namespace std::chrono;
using namespace std::chrono_literals;
using faf_test::eventually;

using limits = std::numeric_limits<double>;

constexpr nanoseconds for_ever = nanoseconds::max();

// Whole numbers of any unit.
static_assert(time_span() == 0s);
static_assert(time_span(5s) == 5s);
static_assert(time_span(-5ms) == -5ms);
static_assert(time_span(hours::max()) == for_ever);
static_assert(time_span(days::max()) == for_ever);
static_assert(time_span(microseconds::max()) == for_ever);
static_assert(time_span(nanoseconds::max()) == for_ever);
static_assert(time_span(minutes::min()) == nanoseconds::min());
static_assert(time_span(years(100)) == years(100));
static_assert(time_span(years(300)) == for_ever);
static_assert(time_span(duration<std::int64_t, std::pico>::max()) == 9'223'372'036'854'775ns);
static_assert(time_span(duration<std::uint64_t, std::milli>::max()) == for_ever);
static_assert(time_span(duration<signed char>(5)) == 5s);
static_assert(time_span(duration<int, std::ratio<1, 60>>(90)) == 1500ms);
static_assert(time_span(duration<int, std::exa>(1)) == for_ever);

// Fractions.
static_assert(time_span(0.1s) == 100ms);
static_assert(time_span(duration<float>(-0.5F)) == -500ms);
static_assert(time_span(duration<double>(limits::max())) == for_ever);
static_assert(time_span(duration<double>(limits::infinity())) == for_ever);
static_assert(time_span(duration<double>(-limits::infinity())) == nanoseconds::min());
static_assert(time_span(duration<double>(limits::quiet_NaN())) == 0s);
static_assert(time_span(duration<long double, std::milli>(1.5L)) == 1500us);

// What is not nothing stays so: 0 would mean never.
static_assert(time_span(duration<int, std::pico>(1)) == 1ns);
static_assert(time_span(duration<int, std::pico>(-1)) == -1ns);
static_assert(time_span(duration<double>(1e-30)) == 1ns);

// It reads like the duration that it is.
static_assert(std::convertible_to<time_span, nanoseconds>);
static_assert(std::same_as<decltype(time_span(1s) + 1ms), nanoseconds>);
static_assert(duration_cast<milliseconds>(time_span(1.5s)) == 1500ms);
static_assert(time_span(1s) < 1min && time_span(1min) == time_span(60s));
static_assert(std::is_trivially_copyable_v<time_span> && sizeof(time_span) == sizeof(nanoseconds));

struct ticks_of_a_game {
    operator nanoseconds() const { return 3ms; }
};
struct named_seconds : seconds {
    using seconds::seconds;
};

} // namespace

TEST_CASE("a duration of the user's own makes a time span") {
    CHECK(time_span(ticks_of_a_game()) == 3ms);
    CHECK(time_span(named_seconds(4)) == 4s);
    faf::options how{.after = ticks_of_a_game()};
    how.after += 1s;
    CHECK(how.after == 1003ms);
}

TEST_CASE("the longest duration of any unit means never, not at once") {
    error_recorder errors;
    manual_executor ex;
    int runs = 0;
    const auto count = [&] { ++runs; };
    fire_and_forget(ex, {.after = hours::max()}, count);
    fire_and_forget(ex, {.after = minutes::max()}, count);
    fire_and_forget(ex, {.after = nanoseconds::max()}, count);
    fire_and_forget(ex, {.after = duration<double>(limits::infinity())}, count);
    CHECK(ex.run_all() == 0);
    CHECK(ex.advance(24h * 365) == 0);
    CHECK(ex.advance(hours::max()) == 0);
    CHECK(runs == 0);
    CHECK(ex.pending() == 4);
}

TEST_CASE("a task that expires after the longest duration does not expire") {
    error_recorder errors;
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, {.expires = minutes::max()}, [&] { ++runs; });
    fire_and_forget(ex, {.after = 1h, .expires = hours::max()}, [&] { ++runs; });
    ex.advance(24h);
    CHECK(runs == 2);
    CHECK(errors.empty());
}

TEST_CASE("a task that expires before its time never starts, however long before") {
    manual_executor ex;
    int runs = 0;
    int expired = 0;
    const auto count = [&](const faf::error_report& report) {
        expired += report.kind == faf::failure::expired ? 1 : 0;
    };
    for (const time_span long_ago : {time_span(-1ns), time_span(-1h), time_span(minutes::min())}) {
        fire_and_forget(ex, {.expires = long_ago, .on_error = count}, [&] { ++runs; });
    }
    ex.run_all();
    CHECK(runs == 0);
    CHECK(expired == 3);
}

TEST_CASE("a task that repeats after the longest duration runs once") {
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, {.every = hours::max()}, [&] { ++runs; });
    ex.advance(24h * 365 * 100);
    CHECK(runs == 1);
    error_recorder errors;
    const auto answer = fire_and_forget(ex, {.every = hours::min()}, [&] { ++runs; });
    CHECK(answer.why() == faf::refusal::invalid_options);
}

TEST_CASE("a negative delay means at once, however long it is") {
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, {.after = -1s}, [&] { ++runs; });
    fire_and_forget(ex, {.after = hours::min()}, [&] { ++runs; });
    CHECK(ex.run_all() == 2);
    const auto before = ex.now();
    ex.advance(hours::min());
    CHECK(ex.now() == before);
}

TEST_CASE("a coroutine that sleeps for the longest duration, or until the end of time, sleeps on") {
    error_recorder errors;
    manual_executor ex;
    int woken = 0;
    using coarse_time = time_point<steady_clock, hours>;
    fire_and_forget(ex, [&]() -> faf::task<> {
        co_await faf::sleep_for(hours::max());
        ++woken;
    });
    fire_and_forget(ex, [&]() -> faf::task<> {
        co_await faf::sleep_until(coarse_time::max());
        ++woken;
    });
    fire_and_forget(ex, [&]() -> faf::task<> {
        co_await faf::sleep_until(steady_clock::time_point::max());
        ++woken;
    });
    ex.advance(24h * 365);
    CHECK(woken == 0);
    fire_and_forget(ex, [&]() -> faf::task<> {
        co_await faf::sleep_for(minutes::min());
        co_await faf::sleep_until(coarse_time::min());
        ++woken;
    });
    ex.run_all();
    CHECK(woken == 1);
}

TEST_CASE("a pool that is drained or shut down for the longest duration waits for its tasks") {
    for (const bool drains : {true, false}) {
        faf::thread_pool pool({.threads = 1});
        std::atomic<bool> may_end{false};
        std::atomic<bool> has_ended{false};
        fire_and_forget(pool, [&] {
            may_end.wait(false);
            has_ended = true;
        });
        fire_and_forget(faf::own_thread, [&] {
            for (int i = 0; i < 100; ++i) { // so that the other may wait before
                std::this_thread::yield();
            }
            may_end = true;
            may_end.notify_one();
        });
        CHECK((drains ? pool.drain(hours::max()) : pool.shutdown(minutes::max())));
        CHECK(has_ended);
        CHECK(faf::drain(faf_test::patience)); // who opens refers to what stands here
    }
}

TEST_CASE("a pool with the longest exit deadline lets its tasks finish") {
    std::atomic<int> runs{0};
    {
        faf::thread_pool pool({.threads = 1, .exit_timeout = hours::max()});
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(pool, [&] {
                std::this_thread::yield();
                ++runs;
            });
        }
    }
    CHECK(runs == 100);
}

TEST_CASE("who says nothing of a time waits as long as it takes") {
    static_assert(faf::forever == for_ever);
    static_assert(time_span::endless() == for_ever);
    std::atomic<int> runs{0};
    const auto fire_some_at = [&](auto& executor) {
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(executor, [&] {
                std::this_thread::yield();
                ++runs;
            });
        }
    };
    {
        faf::thread_pool pool({.threads = 2, .exit_timeout = faf::forever});
        fire_some_at(pool);
        CHECK(pool.drain());
        CHECK(runs == 100);
        fire_some_at(pool);
    }
    CHECK(runs == 200);
    fire_some_at(faf::default_pool());
    CHECK(faf::drain());
    CHECK(runs == 300);
    faf::thread_pool pool({.threads = 2});
    fire_some_at(pool);
    CHECK(pool.shutdown());
    CHECK(runs == 400);
}

TEST_CASE("a shutdown without a deadline does not wait for a task that never comes") {
    std::atomic<int> abandoned{0};
    faf::thread_pool pool({.threads = 1, .on_error = [&](const faf::error_report& report) {
                               abandoned += report.kind == faf::failure::abandoned ? 1 : 0;
                           }});
    fire_and_forget(pool, {.after = hours::max()}, [] {});
    fire_and_forget(pool, {.every = hours::max()}, [] {});
    CHECK_FALSE(pool.shutdown(hours::max()));
    CHECK(abandoned == 1);
}

TEST_CASE("a call that may wait for the longest duration waits for room") {
    std::atomic<int> runs{0};
    faf::thread_pool pool({.threads = 1,
                           .max_pending = 1,
                           .when_full = faf::overflow::wait,
                           .full_wait = hours::max()});
    for (int i = 0; i < 50; ++i) {
        CHECK(fire_and_forget(pool, [&] { ++runs; }));
    }
    CHECK(pool.drain(minutes::max()));
    CHECK(runs == 50);
}

TEST_CASE("a worker that naps for the longest duration comes all the same") {
    std::atomic<int> runs{0};
    faf::thread_pool pool({.threads = 1,
                           .wake_up = faf::wake::by_worker,
                           .nap = hours::max(),
                           .starvation_after = hours::max()});
    fire_and_forget(pool, [&] { ++runs; });
    CHECK(eventually([&] { return runs == 1; }));
}
