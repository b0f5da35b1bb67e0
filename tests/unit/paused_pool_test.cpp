// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "held_keeper.hpp"

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using faf::fire_and_forget;
using faf::thread_pool;
using faf::testing::error_recorder;
using faf_test::eventually;

TEST_CASE("what is queued in a paused pool stays there, what runs goes on") {
    std::latch has_started(1);
    std::latch may_end(1);
    std::vector<int> order; // of the one thread
    thread_pool pool({.threads = 1});
    CHECK_FALSE(pool.is_paused());
    fire_and_forget(pool, [&] {
        has_started.count_down();
        may_end.wait();
        order.push_back(-1);
    });
    for (int i = 0; i < 20; ++i) { // some of which its worker may have taken along
        fire_and_forget(pool, [&, i] { order.push_back(i); });
    }
    has_started.wait();
    pool.pause();
    CHECK(pool.is_paused());
    may_end.count_down();
    CHECK(eventually([&] { return pool.snapshot().running == 0; }));
    for (int i = 20; i < 40; ++i) {
        fire_and_forget(pool, [&, i] { order.push_back(i); });
    }
    fire_and_forget(pool, {.after = 1us}, [] {});
    CHECK_FALSE(pool.drain(20ms));
    CHECK(pool.snapshot().pending == 41);
    CHECK(pool.snapshot().succeeded == 1);
    pool.resume();
    CHECK_FALSE(pool.is_paused());
    CHECK(pool.drain());
    REQUIRE(order.size() == 41);
    for (int i = 0; i < 41; ++i) {
        CHECK(order[static_cast<std::size_t>(i)] == i - 1);
    }
}

TEST_CASE("a coroutine goes on when its pool does") {
    std::atomic<int> steps{0};
    thread_pool pool({.threads = 2, .fixed = true});
    fire_and_forget(pool, [&]() -> faf::task<> {
        ++steps;
        co_await faf::sleep_for(1ms);
        ++steps;
    });
    CHECK(eventually([&] { return steps > 0; }));
    pool.pause();
    pool.resume();
    CHECK(pool.drain());
    CHECK(steps == 2);
}

TEST_CASE("to close a paused pool is to resume it") {
    const error_recorder errors;
    std::atomic<int> runs{0};
    {
        thread_pool pool({.threads = 2, .exit_timeout = faf::forever});
        pool.pause();
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(pool, [&] { ++runs; });
        }
        CHECK(runs == 0);
    }
    CHECK(runs == 100);
    thread_pool pool({.threads = 2});
    pool.pause();
    fire_and_forget(pool, [&] { ++runs; });
    CHECK(pool.shutdown());
    CHECK(runs == 101);
    pool.pause(); // too late
    CHECK_FALSE(pool.is_paused());
    CHECK(errors.empty());
}

TEST_CASE("a paused pool neither grows nor starves, and a full one refuses as always") {
    const error_recorder errors;
    std::atomic<int> runs{0};
    thread_pool pool({.threads = 1, .max_threads = 2, .max_pending = 3, .starvation_after = 1ms});
    pool.pause();
    for (int i = 0; i < 4; ++i) {
        fire_and_forget(pool, [&] { ++runs; });
    }
    CHECK_FALSE(pool.drain(50ms));
    CHECK(errors.count() == 1); // refused
    CHECK(pool.snapshot().threads <= 1);
    pool.resume();
    CHECK(pool.drain());
    CHECK(runs == 3);
}

TEST_CASE("a full pool that is paused still has its way of dealing with what comes") {
    const error_recorder errors;
    std::vector<int> order; // of one thread at a time
    const auto note = [&order](int number) {
        return [&order, number] { order.push_back(number); };
    };
    SECTION("a call that waits for room is refused when its time is up") {
        thread_pool pool(
            {.threads = 1, .max_pending = 1, .when_full = faf::overflow::wait, .full_wait = 1ms});
        pool.pause();
        CHECK(fire_and_forget(pool, note(1)));
        CHECK(fire_and_forget(pool, note(2)).why() == faf::refusal::queue_full);
        CHECK(errors.count() == 1);
        pool.resume();
        CHECK(pool.drain());
        CHECK(order == std::vector<int>{1});
    }
    SECTION("a call that waits for room has it when the pool goes on") {
        thread_pool pool({.threads = 1,
                          .max_pending = 1,
                          .when_full = faf::overflow::wait,
                          .full_wait = faf_test::patience});
        pool.pause();
        CHECK(fire_and_forget(pool, note(1)));
        std::jthread another([&] { pool.resume(); });
        CHECK(fire_and_forget(pool, note(2)));
        CHECK(pool.drain());
        CHECK(order == std::vector<int>{1, 2});
        errors.expect_none();
    }
    SECTION("a call that waits for room has it when the pool closes, or is refused") {
        std::atomic<int> answers{0};
        {
            thread_pool pool({.threads = 1,
                              .max_pending = 1,
                              .when_full = faf::overflow::wait,
                              .full_wait = faf_test::patience});
            pool.pause();
            CHECK(fire_and_forget(pool, note(1)));
            const std::jthread waits([&] { answers += fire_and_forget(pool, note(2)) ? 1 : 0; });
            CHECK(pool.shutdown());
        }
        CHECK(order.size() == 1U + static_cast<unsigned>(answers.load()));
    }
    SECTION("what finds no room runs in the caller") {
        thread_pool pool(
            {.threads = 1, .max_pending = 1, .when_full = faf::overflow::run_in_caller});
        pool.pause();
        CHECK(fire_and_forget(pool, note(1)));
        CHECK(fire_and_forget(pool, note(2)));
        CHECK(order == std::vector<int>{2});
        pool.resume();
        CHECK(pool.drain());
        CHECK(order == std::vector<int>{2, 1});
        errors.expect_none();
    }
    SECTION("the oldest gives its place to the newest") {
        thread_pool pool({.threads = 1, .max_pending = 2, .when_full = faf::overflow::drop_oldest});
        pool.pause();
        for (int i = 1; i <= 4; ++i) {
            CHECK(fire_and_forget(pool, note(i)));
        }
        CHECK(pool.snapshot().pending == 2);
        CHECK(errors.count() == 2);
        CHECK(errors.errors().at(0).kind == faf::failure::displaced);
        pool.resume();
        CHECK(pool.drain());
        CHECK(order == std::vector<int>{3, 4});
    }
}

TEST_CASE("what expires while its pool is paused is dropped when that goes on") {
    const error_recorder errors;
    std::atomic<int> runs{0};
    thread_pool pool({.threads = 1});
    pool.pause();
    fire_and_forget(pool, {.expires = 1ns}, [&] { ++runs; });
    fire_and_forget(pool, {.expires = 1h}, [&] { ++runs; });
    CHECK(errors.empty());
    pool.resume();
    CHECK(pool.drain());
    CHECK(runs == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::expired);
}

TEST_CASE("who sleeps in a paused pool is called when that goes on, and not only found by a look") {
    std::atomic<int> runs{0};
    thread_pool pool({.threads = 1, .fixed = true, .wake_up = faf::wake::by_caller});
    fire_and_forget(pool, [&] { ++runs; });
    CHECK(eventually([&] { return runs == 1; }));
    pool.pause();
    const faf_test::held_keeper nobody_looks;
    fire_and_forget(pool, [&] { ++runs; });
    CHECK_FALSE(pool.drain(20ms)); // by then its worker sleeps
    pool.resume();
    CHECK(eventually([&] { return runs == 2; }));
}

TEST_CASE("whoever wakes whom, all that is fired runs between pauses") {
    for (const faf::wake how : {faf::wake::adaptive, faf::wake::by_caller, faf::wake::by_worker}) {
        std::atomic<int> runs{0};
        thread_pool pool({.threads = 2, .fixed = true, .wake_up = how});
        std::jthread pauses([&] {
            for (int i = 0; i < 200; ++i) {
                pool.pause();
                std::this_thread::yield();
                pool.resume();
                std::this_thread::yield();
            }
        });
        for (int i = 0; i < 5000; ++i) {
            fire_and_forget(pool, [&] { ++runs; });
        }
        CHECK(pool.drain());
        CHECK(runs == 5000);
    }
}
