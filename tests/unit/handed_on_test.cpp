// SPDX-License-Identifier: MIT
// Executors of somebody else's that hand their jobs on to one of the library, and what goes on
// there by way of them.
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;
using faf::conflating_executor;
using faf::failure;
using faf::fire_and_forget;
using faf::job;
using faf::refusal;
using faf::task_scope;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::eventually;

/// Whether all that a pool has accepted has had its end.
bool is_even(const faf::stats& now) {
    return now.pending + now.running == 0 &&
           now.accepted == now.succeeded + now.failed + now.dropped;
}

} // namespace

TEST_CASE("a job that is handed on to a scope whose executor drops it is refused, once") {
    const error_recorder errors;
    const auto drops = [](job) {};
    task_scope scope(drops);
    const auto hands_on = [&](job work) {
        CHECK(scope.execute(std::move(work)).why() == refusal::executor_failed);
    };
    CHECK(fire_and_forget(hands_on, [] {}).why() == refusal::executor_failed);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::refused);
    CHECK(scope.drain());
    CHECK(scope.snapshot().refused == 1);
}

TEST_CASE("a job that is kept and then handed on to what drops it is reported, once") {
    const error_recorder errors;
    const auto drops = [](job) {};
    task_scope scope(drops);
    std::optional<job> kept;
    const auto keeps = [&](job work) { kept.emplace(std::move(work)); };
    CHECK(fire_and_forget(keeps, {.name = "kept"}, [] {}));
    scope.execute(std::move(*kept));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::abandoned);
    CHECK(errors.errors()[0].task == "kept");
    CHECK(scope.drain());
}

TEST_CASE("a coroutine that is handed on to what drops it is reported, once") {
    const error_recorder errors;
    manual_executor below;
    bool drops = false;
    const auto lowest = [&](job work) {
        if (!drops) {
            below.execute(std::move(work));
        }
    };
    task_scope scope(lowest);
    const auto hands_on = [&](job work) { scope.execute(std::move(work)); };
    CHECK(fire_and_forget(hands_on, []() -> faf::task<> { co_await faf::yield(); }));
    drops = true;
    below.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::abandoned);
    CHECK(scope.drain());
}

TEST_CASE("a coroutine that goes on by way of a key is not replaced by a newer task") {
    const error_recorder errors;
    manual_executor below;
    conflating_executor<int> latest(below);
    const auto hands_on = [&](job work) { latest[1].execute(std::move(work)); };
    std::string seen;
    fire_and_forget(hands_on, [&]() -> faf::task<> {
        seen += 'a';
        co_await faf::yield();
        seen += 'b';
        co_await faf::when_all(faf::yield(), faf::yield()); // both parts, at the same key
        seen += 'c';
    });
    CHECK(below.run_one());
    fire_and_forget(hands_on, [&seen] { seen += '1'; });
    fire_and_forget(hands_on, [&seen] { seen += '2'; });
    below.run_all();
    CHECK(seen == "ab2c");
    CHECK(latest.replaced() == 1);
    CHECK(errors.text() == "");
}

TEST_CASE("a serial executor that stands on what hands on to a key loses no task there") {
    const error_recorder errors;
    manual_executor below;
    conflating_executor<int> latest(below);
    const auto hands_on = [&](job work) { latest[1].execute(std::move(work)); };
    faf::serial_executor one(hands_on);
    faf::serial_executor another(hands_on);
    int runs = 0;
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(one, [&runs] { ++runs; });
        fire_and_forget(another, [&runs] { ++runs; });
    }
    below.run_all();
    CHECK(runs == 6);
    CHECK(errors.text() == "");
}

TEST_CASE("what is taken back in a scope is no coroutine that goes on by way of it") {
    const error_recorder errors(faf::hears::cancelled_too);
    manual_executor below;
    task_scope scope(below);
    const auto hands_on = [&](job work) { scope.execute(std::move(work)); };
    int steps = 0;
    fire_and_forget(hands_on, [&]() -> faf::task<> {
        ++steps;
        co_await faf::yield();
        ++steps;
    });
    CHECK(below.run_one());
    CHECK(scope.snapshot().pending == 0);
    CHECK(scope.cancel_pending() == 0);
    below.run_all();
    CHECK(steps == 2);
    CHECK(errors.text() == "");
    CHECK(scope.drain());
}

TEST_CASE("a full pool takes a coroutine that goes on by way of somebody else's executor") {
    for (const faf::overflow how : {faf::overflow::refuse, faf::overflow::drop_oldest}) {
        const error_recorder errors;
        faf::thread_pool pool({.threads = 1, .max_pending = 1, .when_full = how});
        const auto hands_on = [&](job work) { pool.execute(std::move(work)); };
        std::atomic<int> steps{0};
        std::atomic<bool> may_go_on{false};
        fire_and_forget(hands_on, [&]() -> faf::task<> {
            ++steps;
            while (!may_go_on) {
                std::this_thread::yield();
            }
            co_await faf::yield();
            ++steps;
        });
        CHECK(eventually([&] { return steps == 1; }));
        CHECK(fire_and_forget(pool, [] {})); // which fills it
        pool.pause();
        may_go_on = true;
        CHECK(eventually([&] { return pool.snapshot().pending >= 2; }));
        if (how == faf::overflow::drop_oldest) {
            CHECK(fire_and_forget(pool, [] {})); // displaces the other one
        }
        pool.resume();
        CHECK(pool.drain(faf_test::patience));
        CHECK(eventually([&] { return steps == 2; }));
        CHECK(errors.count() == (how == faf::overflow::drop_oldest ? 1 : 0));
    }
}

TEST_CASE("a pool counts what a coroutine goes on by to its end, whoever has handed that on") {
    std::atomic<int> ended{0};
    faf::thread_pool pool({.threads = 1});
    const auto hands_on = [&](job work) { pool.execute(std::move(work)); };
    faf::serial_executor serial(pool);
    const auto by_serial = [&](job work) { serial.execute(std::move(work)); };
    const auto in_place = [](job work) { work(); };
    const auto wait_twice = [&ended]() -> faf::task<> {
        co_await faf::yield();
        co_await faf::sleep_for(1ms);
        ++ended;
    };
    const faf::executor_ref all[] = {hands_on, by_serial, in_place};
    for (const faf::executor_ref& at : all) {
        const int ended_before = ended;
        CHECK(fire_and_forget(at, wait_twice));
        CHECK(eventually([&] {
            return ended > ended_before && is_even(pool.snapshot()) && is_even(faf::snapshot());
        }));
    }
}

TEST_CASE("a coroutine of a key above somebody else's executor is counted to its end") {
    faf::thread_pool pool({.threads = 1});
    const auto hands_on = [&](job work) { pool.execute(std::move(work)); };
    const auto in_place = [](job work) { work(); };
    const faf::executor_ref all[] = {hands_on, in_place};
    for (const faf::executor_ref& at : all) {
        conflating_executor<int> latest(at);
        const std::uint64_t before = faf::snapshot().accepted;
        CHECK(fire_and_forget(latest[1], []() -> faf::task<> {
            co_await faf::yield();
            co_await faf::sleep_for(1ms);
        }));
        CHECK(eventually([&] {
            return faf::snapshot().succeeded > 0 && is_even(pool.snapshot()) &&
                   is_even(faf::snapshot()) && faf::snapshot().accepted == before + 1;
        }));
    }
}
