// SPDX-License-Identifier: MIT
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf::testing::own_threads;
using faf::testing::scoped_default_executor;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<scoped_default_executor>);

faf::detached beat(manual_executor& ex, std::vector<std::chrono::nanoseconds>& at, int times) {
    const auto begin = ex.now();
    for (int i = 0; i < times; ++i) {
        co_await faf::sleep_for(10s);
        at.push_back(ex.now() - begin);
    }
}

} // namespace

TEST_CASE("inside a scope, what names no executor or the default pool goes to another one") {
    manual_executor ex;
    const scoped_default_executor here(ex);
    const std::uint64_t before = faf::snapshot().accepted;
    std::string order;
    CHECK(fire_and_forget([&] { order += 'a'; }));
    CHECK(fire_and_forget({.name = "b"}, [&] { order += 'b'; }));
    CHECK(fire_and_forget({.after = 1h}, [&] { order += 'f'; }));
    CHECK(fire_and_forget(faf::default_pool(), [&] { order += 'c'; }));
    CHECK(fire_and_forget(faf::default_pool(), {.name = "d"}, [&] { order += 'd'; }));
    CHECK(fire_and_forget([&order, large = std::vector<int>(3)] { order += 'e'; }));
    CHECK(order.empty());
    CHECK(ex.pending() == 6);
    CHECK(ex.run_all() == 5);
    CHECK(order == "abcde");
    CHECK(ex.advance(1h) == 1);
    CHECK(order == "abcdef");
    CHECK(faf::snapshot().accepted == before);
}

TEST_CASE("a thread that has fired at the default pool before fires elsewhere inside a scope, and "
          "at the pool again after it") {
    std::atomic<int> runs{0};
    const auto run = [&runs] { ++runs; };
    fire_and_forget(run);
    REQUIRE(faf_test::eventually([&] { return runs == 1; }));
    {
        manual_executor ex;
        const scoped_default_executor here(ex);
        fire_and_forget(run);
        CHECK(runs == 1);
        CHECK(ex.run_all() == 1);
        CHECK(runs == 2);
    }
    const faf::detail::pool_door& door = faf::detail::default_pool_door();
    CHECK(door.lanes_if_open() == &door.lanes()); // by the quick way again
    fire_and_forget(run);
    CHECK(faf_test::eventually([&] { return runs == 3; }));
}

TEST_CASE("own_thread is as ever inside a scope, unless that is to have its tasks, too") {
    manual_executor ex;
    std::atomic<bool> has_run{false};
    {
        const scoped_default_executor here(ex);
        fire_and_forget(faf::own_thread, [&] { has_run = true; });
        CHECK(faf_test::eventually([&] { return has_run.load(); }));
    }
    const scoped_default_executor here(ex, own_threads::too);
    has_run = false;
    fire_and_forget(faf::own_thread, [&] { has_run = true; });
    fire_and_forget(faf::own_thread, {.after = 1s}, [] {});
    CHECK(ex.pending() == 2);
    CHECK_FALSE(has_run);
    CHECK(ex.advance(1s) == 2);
    CHECK(has_run);
}

TEST_CASE("of scopes inside each other the innermost has the tasks, as far as it wants them") {
    manual_executor outer;
    manual_executor inner;
    const scoped_default_executor around(outer, own_threads::too);
    {
        const scoped_default_executor here(inner);
        fire_and_forget([] {});
        fire_and_forget(faf::own_thread, [] {});
        CHECK(inner.run_all() == 1);
        CHECK(outer.run_all() == 1);
    }
    fire_and_forget([] {});
    CHECK(inner.pending() == 0);
    CHECK(outer.run_all() == 1);
}

TEST_CASE("coroutines that start themselves or move to the default pool are on the scope's "
          "executor, in its time") {
    manual_executor ex;
    manual_executor other;
    const scoped_default_executor here(ex, own_threads::too);
    std::vector<std::chrono::nanoseconds> at;
    beat(ex, at, 3);
    CHECK(at.empty());
    ex.advance(1h);
    CHECK(at == std::vector<std::chrono::nanoseconds>{10s, 20s, 30s});

    std::string trace;
    fire_and_forget(other, [&trace]() -> faf::task<> {
        trace += 'a';
        co_await faf::resume_on(faf::default_pool());
        trace += 'b';
        co_await faf::resume_on(faf::own_thread);
        trace += 'c';
    });
    CHECK(other.run_all() == 1);
    CHECK(trace == "a");
    ex.run_all();
    CHECK(trace == "abc");
    CHECK(ex.pending() + other.pending() == 0);
}

TEST_CASE("timeouts and waits of coroutines go by the time of the scope's executor") {
    manual_executor ex;
    const scoped_default_executor here(ex);
    const error_recorder errors;
    faf::async_latch gate(1);
    faf::async_mutex mutex;
    std::string order;
    fire_and_forget([&]() -> faf::task<> {
        bool is_late = false;
        try {
            co_await faf::with_timeout(gate, 5s);
        } catch (const faf::timed_out&) {
            is_late = true;
        }
        order += is_late ? 't' : '?';
    });
    for (const char letter : {'a', 'b'}) {
        fire_and_forget([&, letter]() -> faf::task<> {
            const faf::async_lock lock = co_await mutex.scoped_lock();
            co_await faf::when_all(faf::sleep_for(2s), faf::sleep_for(1s));
            order += letter;
        });
    }
    fire_and_forget([&]() -> faf::task<> {
        co_await gate;
        order += 'g';
    });
    ex.advance(5s - 1ns);
    CHECK(order == "ab");
    ex.advance(1ns);
    CHECK(order == "abt");
    gate.count_down();
    ex.run_all();
    CHECK(order == "abtg");
    CHECK(ex.pending() == 0);
    errors.expect_none();
}

TEST_CASE("inside a scope, coroutines on an executor of somebody else's sleep in its time") {
    manual_executor ex;
    const scoped_default_executor here(ex);
    std::vector<faf::job> jobs;
    const auto queue = [&jobs](faf::job work) { jobs.push_back(std::move(work)); };
    const auto run_next = [&jobs] {
        faf::job next = std::move(jobs.back());
        jobs.pop_back();
        next();
    };
    bool is_done = false;
    fire_and_forget(queue, [&is_done]() -> faf::task<> {
        co_await faf::sleep_for(1h);
        is_done = true;
    });
    REQUIRE(jobs.size() == 1);
    run_next();
    ex.advance(1h - 1ns);
    CHECK(jobs.empty());
    ex.advance(1ns);
    REQUIRE(jobs.size() == 1);
    run_next();
    CHECK(is_done);
}

TEST_CASE(
    "a coroutine of an executor of somebody else's sleeps on a pool that nothing was fired at") {
    std::atomic<bool> has_slept = false;
    faf::thread_pool pool({.threads = 1});
    const scoped_default_executor here(pool);
    fire_and_forget(faf::inline_executor(), [&]() -> faf::task<> {
        co_await faf::sleep_for(1ms);
        has_slept = true;
    });
    CHECK(faf_test::eventually([&] { return has_slept.load(); }));
}

TEST_CASE("what is made of the default pool inside a scope stands on the scope's executor") {
    manual_executor ex;
    const scoped_default_executor here(ex, own_threads::too);
    std::string order;
    {
        faf::task_scope tasks;
        faf::serial_executor in_turn(faf::default_pool());
        const faf::executor_ref any(faf::default_pool());
        const faf::executor_ref thread(faf::own_thread);
        fire_and_forget(tasks, [&] { order += 'a'; });
        fire_and_forget(in_turn, [&] { order += 'b'; });
        fire_and_forget(any, [&] { order += 'c'; });
        fire_and_forget(thread, [&] { order += 'd'; });
        CHECK(order.empty());
        CHECK(tasks.drain()); // nobody else would run it
        ex.run_all();
    }
    CHECK(order == "abcd");
}

TEST_CASE("what was made of the default pool before a scope stays on the pool") {
    faf::task_scope tasks;
    std::atomic<int> runs{0};
    manual_executor ex;
    {
        const scoped_default_executor here(ex);
        fire_and_forget(tasks, [&] { ++runs; });
        CHECK(tasks.drain(faf_test::patience));
        CHECK(runs == 1);
        CHECK(ex.pending() == 0);
    }
    const scoped_default_executor here(tasks); // which does not lead back to here
    fire_and_forget([&] { ++runs; });
    CHECK(tasks.drain(faf_test::patience));
    CHECK(runs == 2);
}

TEST_CASE("a scope may lead to a pool, and to an executor of somebody else's") {
    const error_recorder errors;
    std::atomic<int> runs{0};
    {
        faf::thread_pool pool({.threads = 1});
        const scoped_default_executor here(pool);
        fire_and_forget([&] { ++runs; });
        CHECK(pool.drain(faf_test::patience));
        CHECK(runs == 1);
    }
    const auto at_once = [](faf::job work) { work(); };
    const scoped_default_executor here(at_once);
    fire_and_forget([&] { ++runs; });
    fire_and_forget([&runs]() -> faf::task<> {
        ++runs;
        co_return;
    });
    CHECK(runs == 3);
    CHECK(errors.empty());
    CHECK(fire_and_forget({.after = 1s}, [] {}).why() == faf::refusal::invalid_options);
    CHECK(errors.count() == 1);
}

TEST_CASE("threads that fire while scopes begin and end lose nothing, and none comes too late") {
    std::atomic<int> runs{0};
    std::atomic<int> fired{0};
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!is_over) {
                fired += fire_and_forget([&runs] { ++runs; }) ? 1 : 0;
                fired += fire_and_forget({.name = "other"}, [&runs] { ++runs; }) ? 1 : 0;
                std::this_thread::yield();
            }
        });
    }
    for (int i = 0; i < faf_test::load(300, 50); ++i) {
        manual_executor ex;
        {
            const scoped_default_executor here(ex);
            ex.run_all();
            std::this_thread::yield();
        }
        ex.run_all();
        CHECK(ex.pending() == 0); // nothing comes any more
    }
    is_over = true;
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(faf_test::eventually([&] { return runs == fired; }));
}

namespace {

/// A call at an executor that takes until the scope is to end that leads there, and a while.
class slow_call {
public:
    /// The first time.
    void operator()() {
        if (is_inside_.exchange(true)) {
            return;
        }
        while (!is_to_end_) {
            std::this_thread::yield();
        }
        for (int i = 0; i < 100; ++i) { // time enough for an end that does not wait
            std::this_thread::yield();
        }
        was_gone_ = is_gone_.load();
    }

    /// The end of a scope that leads to `executor` while `work`, on another thread, calls that.
    template <class Executor, class Work>
    void end_scope(Executor& executor, Work work) {
        std::thread caller;
        {
            const scoped_default_executor here(executor);
            caller = std::thread(work);
            CHECK(faf_test::eventually([&] { return is_inside_.load(); }));
            is_to_end_ = true;
        }
        is_gone_ = true;
        caller.join();
        CHECK_FALSE(was_gone_);
    }

private:
    std::atomic<bool> is_inside_{false};
    std::atomic<bool> is_to_end_{false};
    std::atomic<bool> is_gone_{false};
    std::atomic<bool> was_gone_{false};
};

void end_scope_during(void (*call)()) {
    for (int round = 0; round < 20; ++round) {
        slow_call takes_long;
        const auto slow = [&](faf::job work) {
            takes_long();
            work();
        };
        faf::serial_executor serial(slow); // so that coroutines are there, too
        takes_long.end_scope(serial, call);
    }
}

/// Takes long to have a coroutine come.
class slow_scheduler : public faf_test::virtual_time {
public:
    explicit slow_scheduler(slow_call& how) noexcept : takes_long_(how) {}

    bool resume_soon(faf::detail::suspended& one) noexcept override {
        takes_long_();
        return virtual_time::resume_soon(one);
    }
    bool resume_at(faf::detail::suspended& one) noexcept override {
        takes_long_();
        return virtual_time::resume_at(one);
    }
    void keep_scheduler() noexcept override {
        takes_long_();
        virtual_time::keep_scheduler();
    }

private:
    slow_call& takes_long_;
};

/// The same while a coroutine of an executor of somebody else's begins to wait by `wait`.
template <class Wait>
void end_scope_during_wait(Wait wait) {
    for (int round = 0; round < 20; ++round) {
        slow_call takes_long;
        slow_scheduler slow(takes_long);
        faf::completion<> done;
        bool is_over = false;
        takes_long.end_scope(slow, [&] {
            fire_and_forget(faf::inline_executor(), [&]() -> faf::task<> {
                co_await wait(done);
                is_over = true;
            });
        });
        done.complete();
        slow.run_all();
        slow.advance(1h);
        CHECK(is_over);
        CHECK(slow.keepers == 0);
    }
}

faf::detached begin_and_end() {
    co_return;
}

faf::task<> move() {
    co_await faf::resume_on(faf::default_pool());
}

} // namespace

TEST_CASE("a scope ends when the calls are over that are on their way to its executor") {
    end_scope_during([] { fire_and_forget([] {}); });
}

TEST_CASE("a scope ends when the coroutines are there that are on their way to its executor") {
    end_scope_during([] { begin_and_end(); });
    end_scope_during([] { faf::sync_wait(move()); });
}

TEST_CASE("a scope ends when those are there that begin to wait on its executor for a time, for "
          "their turn or for others") {
    end_scope_during_wait([](faf::completion<>&) { return faf::sleep_for(1h); });
    end_scope_during_wait([](faf::completion<>&) { return faf::yield(); });
    end_scope_during_wait([](faf::completion<>& done) -> faf::completion<>& { return done; });
}

TEST_CASE("a pool that closes while it is diverted stays closed") {
    faf::detail::pool_door& door = faf::detail::pool_door::of_new_pool({.threads = 1});
    CHECK(door.lanes_if_open() == &door.lanes());
    door.divert();
    CHECK(door.lanes_if_open() != &door.lanes());
    door.end_diversion();
    CHECK(door.lanes_if_open() == &door.lanes());
    door.divert();
    door.begin_closing();
    door.end_diversion();
    CHECK(door.lanes_if_open() != &door.lanes());
    door.retire();
}

// A test as users write it -----------------------------------------------------------------------

namespace {

/// Tries again and again, each time after twice the time, and gives up after five.
class uploader {
public:
    explicit uploader(int failures) : failures_(failures) {}

    void start() {
        fire_and_forget({.name = "beat", .every = 1s}, [this] {
            ++beats;
            return is_done || has_given_up ? faf::stop_repeating : faf::keep_repeating;
        });
        attempt(100ms);
    }

    bool is_done = false;
    bool has_given_up = false;
    int attempts = 0;
    int beats = 0;

private:
    void attempt(std::chrono::milliseconds next) {
        fire_and_forget({.name = "upload", .expires = 1s}, [this, next] {
            if (++attempts > failures_) {
                is_done = true;
            } else if (attempts == 5) {
                has_given_up = true;
                throw std::runtime_error("five attempts failed");
            } else {
                fire_and_forget({.after = next}, [this, next] { attempt(2 * next); });
            }
        });
    }

    const int failures_;
};

} // namespace

TEST_CASE("a test of retries and timers gives the same result thousands of times") {
    for (unsigned seed = 0; seed < faf_test::load(10'000U, 1'000U); ++seed) {
        manual_executor ex({.order = faf::testing::shuffled(seed)});
        const scoped_default_executor here(ex);
        const error_recorder errors;
        uploader lucky(3);
        uploader unlucky(5);
        lucky.start();
        unlucky.start();
        ex.advance(700ms); // 100 + 200 + 400
        if (!lucky.is_done || unlucky.attempts != 4 || errors.count() != 0) {
            FAIL("after 700 ms, with seed " << seed);
        }
        ex.advance(10s);
        if (!unlucky.has_given_up || unlucky.beats != 3 || lucky.beats != 2 ||
            errors.count() != 1 || ex.pending() != 0) {
            FAIL("in the end, with seed " << seed);
        }
    }
    SUCCEED("each time");
}
