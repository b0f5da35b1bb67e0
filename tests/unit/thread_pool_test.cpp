// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using faf::fire_and_forget;
using faf::priority;
using faf::stats;
using faf::thread_pool;
using faf::testing::error_recorder;

static_assert(!std::is_copy_constructible_v<thread_pool>);
static_assert(!std::is_move_constructible_v<thread_pool>);
static_assert(noexcept(faf::default_pool()));

void fail() {
    throw std::runtime_error("task");
}

/// What comes behind must not reach into what the first has captured.
template <std::size_t Size>
void fire_two_with(thread_pool& pool, std::atomic<int>& wrong) {
    for (int i = 0; i < 2; ++i) {
        std::array<unsigned char, Size> bytes{};
        bytes.fill(0xA5);
        fire_and_forget(pool, [bytes, &wrong] {
            for (const unsigned char byte : bytes) {
                wrong += byte == 0xA5 ? 0 : 1;
            }
        });
    }
}

/// A pool of one thread that is held until released, so that tasks queue up behind.
class held_pool {
public:
    held_pool() : pool_({.threads = 1}) {
        // Shared: a task that is given up may still wait when this has gone.
        fire_and_forget(pool_, [both = gates_] {
            both->started.count_down();
            both->released.wait();
        });
        gates_->started.wait();
    }
    ~held_pool() { release(); }
    held_pool(const held_pool&) = delete;
    held_pool& operator=(const held_pool&) = delete;

    thread_pool& operator*() { return pool_; }
    thread_pool* operator->() { return &pool_; }
    void release() {
        if (!gates_->released.try_wait()) {
            gates_->released.count_down();
        }
    }

private:
    struct gates {
        std::latch started{1};
        std::latch released{1};
    };
    std::shared_ptr<gates> gates_ = std::make_shared<gates>();
    thread_pool pool_;
};

} // namespace

TEST_CASE("a pool that is never used starts no threads") {
    thread_pool pool({.threads = 4});
    CHECK((pool.snapshot() == stats{}));
    CHECK(pool.drain(0ns));
    CHECK(pool.shutdown(0ns));
}

TEST_CASE("the stats of a pool add up when it is quiet") {
    const error_recorder errors(faf::hears::cancelled_too);
    std::stop_source source;
    source.request_stop();
    thread_pool pool({.threads = 2, .max_threads = 2, .starvation_after = 0s});
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(pool, [] {});
        fire_and_forget(pool, fail);
        fire_and_forget(pool, {.stop = source.get_token()}, [] {});
        fire_and_forget(pool, std::function<void()>());
    }
    REQUIRE(pool.drain(60s));
    const stats now = pool.snapshot();
    CHECK(now.accepted == 300);
    CHECK(now.succeeded == 100);
    CHECK(now.failed == 100);
    CHECK(now.dropped == 100);
    CHECK(now.refused == 100);
    CHECK(now.pending == 0);
    CHECK(now.running == 0);
    CHECK(now.threads >= 1);
    CHECK(now.threads <= 2);
    CHECK(errors.count() == 300);
    CHECK(pool.shutdown(60s));
    CHECK(pool.snapshot().threads == 0);
}

TEST_CASE("the stats of a pool tell what waits and what runs") {
    held_pool pool;
    fire_and_forget(*pool, [] {});
    fire_and_forget(*pool, [] {});
    const stats now = pool->snapshot();
    CHECK(now.accepted == 3);
    CHECK(now.running == 1);
    CHECK(now.pending == 2);
    CHECK(now.succeeded == 0);
    CHECK(now.threads == 1);
    pool.release();
    CHECK(pool->drain(60s));
    CHECK(pool->snapshot().succeeded == 3);
}

TEST_CASE("a task that throws is reported once and the worker lives on") {
    const error_recorder errors;
    thread_pool pool({.threads = 1});
    std::thread::id first;
    std::thread::id second;
    fire_and_forget(pool, [&] {
        first = std::this_thread::get_id();
        fail();
    });
    fire_and_forget(pool, [&] { second = std::this_thread::get_id(); });
    REQUIRE(pool.drain(60s));
    CHECK(first == second);
    CHECK(errors.count() == 1);
}

TEST_CASE("a pool of one thread runs tasks in the order in which they were fired") {
    thread_pool pool({.threads = 1});
    std::vector<int> order;
    std::vector<int> expected;
    for (int i = 0; i < 1000; ++i) {
        fire_and_forget(pool, [&order, i] { order.push_back(i); });
        expected.push_back(i);
    }
    REQUIRE(pool.drain(60s));
    CHECK(order == expected);
}

TEST_CASE("a pool with nested::newest_first goes on with what its tasks fire") {
    const bool newest_first = GENERATE(true, false);
    std::vector<std::string> order; // one thread's
    const auto note = [&](const char* name) { order.emplace_back(name); };
    {
        thread_pool one(
            {.threads = 1,
             .nested_tasks = newest_first ? faf::nested::newest_first : faf::nested::in_turn});
        fire_and_forget(one, [&] {
            note("root");
            for (const char* branch : {"a", "b"}) {
                fire_and_forget(one, [&, branch] {
                    note(branch);
                    const bool is_a = *branch == 'a';
                    fire_and_forget(one, note, is_a ? "a1" : "b1");
                    fire_and_forget(one, {.name = "with options"}, note, is_a ? "a2" : "b2");
                });
            }
        });
        REQUIRE(one.drain(60s));
    }
    CHECK(order == (newest_first
                        ? std::vector<std::string>{"root", "a", "a1", "a2", "b", "b1", "b2"}
                        : std::vector<std::string>{"root", "a", "b", "a1", "a2", "b1", "b2"}));
}

TEST_CASE("tasks of a higher priority start first and low ones get their share") {
    held_pool pool;
    std::string order;
    for (int i = 0; i < 20; ++i) {
        fire_and_forget(*pool, {.priority = priority::low}, [&] { order += 'l'; });
        fire_and_forget(*pool, [&] { order += 'n'; });
        fire_and_forget(*pool, {.priority = priority::high}, [&] { order += 'h'; });
    }
    pool.release();
    REQUIRE(pool->drain(60s));
    // The task that held the worker was the first of the sixteen.
    std::string expected;
    int high = 20;
    int normal = 20;
    for (int served = 2; served <= 61; ++served) {
        if (served % 16 == 0) {
            expected += 'l';
        } else if (served % 16 == 8 && normal > 0) {
            expected += 'n';
            --normal;
        } else if (high > 0) {
            expected += 'h';
            --high;
        } else if (normal > 0) {
            expected += 'n';
            --normal;
        } else {
            expected += 'l';
        }
    }
    CHECK(order == expected);
}

TEST_CASE("the pool's sink hears of its tasks' failures before the global one") {
    const error_recorder global;
    std::atomic<int> of_pool = 0;
    std::atomic<int> of_task = 0;
    const auto count = [](std::atomic<int>& to) {
        return [&to](const faf::error_report&) { ++to; };
    };
    thread_pool pool({.threads = 1, .on_error = count(of_pool)});
    fire_and_forget(pool, fail);
    fire_and_forget(pool, {.on_error = count(of_task)}, fail);
    fire_and_forget(pool, std::function<void()>()); // refused
    REQUIRE(pool.drain(60s));
    CHECK(of_pool == 2);
    CHECK(of_task == 1);
    CHECK(global.empty());
}

TEST_CASE("drain and shutdown from inside a task answer false at once") {
    const error_recorder errors;
    thread_pool pool({.threads = 2});
    bool drained = true;
    bool shut_down = true;
    fire_and_forget(pool, [&] { drained = pool.drain(1h); });
    REQUIRE(pool.drain(60s));
    CHECK_FALSE(drained);
    fire_and_forget(pool, [&] {
        shut_down = pool.shutdown(1h);
        CHECK(fire_and_forget(pool, [] {})); // tasks may still fire tasks
    });
    REQUIRE(pool.drain(60s));
    CHECK_FALSE(shut_down);
    CHECK(fire_and_forget(pool, [] {}).why() == faf::refusal::shutting_down);
    CHECK(pool.snapshot().succeeded == 3);
}

TEST_CASE("a task may drain another pool, but not its own by way of it") {
    thread_pool outer({.threads = 1});
    thread_pool inner({.threads = 1});
    bool drained = false;
    bool own_drained = true;
    fire_and_forget(outer, [&] {
        fire_and_forget(inner, [] {});
        drained = inner.drain(60s);
        fire_and_forget(faf::inline_executor(), [&] { own_drained = outer.drain(1h); });
    });
    REQUIRE(outer.drain(60s));
    CHECK(drained);
    CHECK_FALSE(own_drained);
}

TEST_CASE("drain gives up when its time is over") {
    held_pool pool;
    CHECK_FALSE(pool->drain(0ns));
    CHECK_FALSE(pool->drain(-1h));
    pool.release();
    CHECK(pool->drain(std::chrono::nanoseconds::max()));
}

TEST_CASE("shutdown reports what is left of each place and each name") {
    const error_recorder errors;
    held_pool pool;
    for (int i = 0; i < 10; ++i) {
        fire_and_forget(*pool, {.name = "one"}, [] {});
        fire_and_forget(*pool, {.name = "two"}, [] {});
        fire_and_forget(*pool, [] {});
    }
    CHECK_FALSE(pool->shutdown(0ns));
    std::uint64_t tasks = 0;
    for (const auto& error : errors.errors()) {
        CHECK(error.kind == faf::failure::abandoned);
        tasks += 1 + error.suppressed;
    }
    CHECK(errors.count() == 4); // the one that runs, and three places
    CHECK(tasks == 31);
    const stats now = pool->snapshot();
    CHECK(now.dropped == 31);
    CHECK(now.accepted == 31);
    CHECK(now.pending + now.running == 0);
}

TEST_CASE("a job can be given to a pool by hand") {
    const error_recorder errors;
    thread_pool pool({.threads = 1});
    int runs = 0;
    const auto by_hand = [&](faf::job work) { return pool.execute(std::move(work)); };
    CHECK(fire_and_forget(by_hand, [&] { ++runs; }));
    REQUIRE(pool.drain(60s));
    CHECK(runs == 1);
    CHECK(pool.execute(faf::job()).why() == faf::refusal::empty_callable);
    CHECK(errors.empty());
}

TEST_CASE("a job that a closed pool is given by hand is reported as refused") {
    const error_recorder errors;
    thread_pool pool({.threads = 1});
    CHECK(pool.shutdown(60s));
    std::vector<faf::job> kept;
    const auto keep = [&](faf::job work) { kept.push_back(std::move(work)); };
    CHECK(fire_and_forget(keep, [] {}));
    CHECK(pool.execute(std::move(kept[0])).why() == faf::refusal::shutting_down);
    CHECK(pool.snapshot().refused == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
    CHECK(errors.errors()[0].what == to_string(faf::refusal::shutting_down));
}

TEST_CASE("a closed pool behind an executor of one's own refuses for its own reason, once") {
    const error_recorder errors;
    thread_pool pool({.threads = 1});
    CHECK(pool.shutdown(60s));
    const auto relay = [&](faf::job work) { pool.execute(std::move(work)); };
    CHECK_FALSE(fire_and_forget(relay, [] {}));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
}

TEST_CASE("a pool that is destroyed runs what is queued") {
    const error_recorder errors;
    std::atomic<int> runs = 0;
    {
        thread_pool pool({.threads = 1, .exit_timeout = 60s});
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(pool, [&] { ++runs; });
        }
    }
    CHECK(runs == 100);
    CHECK(errors.empty());
}

TEST_CASE("what a task captures arrives whole, whatever its size") {
    held_pool pool;
    std::atomic<int> wrong{0};
    const auto fire_two_of = [&]<std::size_t... Size>(std::index_sequence<Size...>) {
        (fire_two_with<8 * Size>(*pool, wrong), ...);
    };
    fire_two_of(std::index_sequence<1, 2, 3, 4, 5, 6, 7, 8, 9, 10>());
    pool.release();
    REQUIRE(pool->drain(60s));
    CHECK(pool->snapshot().succeeded == 21);
    CHECK(wrong == 0);
}

TEST_CASE("a task's closure is destroyed on the pool before drain answers") {
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    thread_pool pool({.threads = 1});
    fire_and_forget(pool, [keeps = std::move(alive)] {});
    REQUIRE(pool.drain(60s));
    CHECK(watched.expired());
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a task that had to wait for its time is counted as accepted once") {
    thread_pool pool({.threads = 1});
    fire_and_forget(pool, {.after = 1ns}, [] {});
    REQUIRE(pool.drain(60s));
    CHECK(pool.snapshot().accepted == 1);
    CHECK(pool.snapshot().succeeded == 1);
}

TEST_CASE("the stats of a pool add up with tasks that are delayed, cancelled, late and skipped") {
    const error_recorder errors(faf::hears::cancelled_too);
    held_pool pool;
    std::stop_source source;
    const std::stop_token stop = source.get_token();
    for (int i = 0; i < 5; ++i) {
        fire_and_forget(*pool, {.after = 1ns}, [] {});
        fire_and_forget(*pool, {.after = 1h, .stop = stop}, [] {});
        fire_and_forget(*pool, {.expires = 1ns}, [] {});
        fire_and_forget(*pool, fail);
    }
    fire_and_forget(*pool, {.every = 1ns}, [runs = 0]() mutable {
        return ++runs < 10 ? faf::keep_repeating : faf::stop_repeating;
    });
    source.request_stop();
    pool.release();
    REQUIRE(pool->drain(60s));
    REQUIRE(pool->shutdown(60s)); // a drain does not wait for what repeats
    const stats now = pool->snapshot();
    CHECK(now.cancelled >= 5);
    CHECK(now.cancelled <= 5 + 1); // the one that repeats, if it came to that
    CHECK(now.expired == 5);
    CHECK(now.failed == 5);
    CHECK(now.dropped == now.cancelled + now.expired);
    CHECK(now.accepted == now.succeeded + now.failed + now.dropped);
    CHECK(now.pending + now.running == 0);
    CHECK(now.succeeded >= 1 + 5);
    CHECK(now.succeeded <= 1 + 5 + 10);
}

#endif

TEST_CASE("starts that a repeated task has missed are counted as skipped") {
    thread_pool pool({.threads = 1});
    std::latch has_ended(1);
    fire_and_forget(pool, {.every = 1us}, [&, runs = 0]() mutable {
        const auto until = std::chrono::steady_clock::now() + 100us;
        while (std::chrono::steady_clock::now() < until) {
        }
        if (++runs < 3) {
            return faf::keep_repeating;
        }
        has_ended.count_down();
        return faf::stop_repeating;
    });
    has_ended.wait();
    CHECK(pool.shutdown(60s));
    const stats now = pool.snapshot();
    CHECK(now.succeeded == 3);
    CHECK(now.accepted == 3);
    CHECK(now.skipped >= 2 * 98);
}

TEST_CASE("the default pool is one and the same, and can't be configured after its first use") {
    CHECK(&faf::default_pool() == &faf::default_pool());
    CHECK_FALSE(faf::configure_default_pool({.threads = 7}));
}
