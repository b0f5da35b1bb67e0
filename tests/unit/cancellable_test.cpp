// SPDX-License-Identifier: MIT
#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <concepts>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::cancellable;
using faf::fire_and_forget;
using faf::refusal;
using faf::task_handle;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::eventually;
using faf_test::patience;

static_assert(std::is_nothrow_default_constructible_v<task_handle>);
static_assert(std::is_copy_constructible_v<task_handle>);
static_assert(std::convertible_to<task_handle, faf::submission>);
static_assert(faf::executor<faf::cancellable_executor>);
static_assert(std::same_as<decltype(fire_and_forget(cancellable(), [] {})), task_handle>);
static_assert(std::same_as<decltype(fire_and_forget(faf::own_thread, [] {})), faf::submission>);

/// A closure that says when it is gone.
struct witness {
    explicit witness(std::atomic<bool>& tell) noexcept : gone(&tell) {}
    witness(witness&& other) noexcept : gone(std::exchange(other.gone, nullptr)) {}
    witness& operator=(witness&&) = delete;
    ~witness() {
        if (gone != nullptr) {
            *gone = true;
        }
    }
    void operator()() const noexcept {}

    std::atomic<bool>* gone;
};

/// Keeps the one worker of a pool until it is let go.
class held_pool {
public:
    explicit held_pool(faf::pool_options how = {}) : pool(fixed(std::move(how))) {
        std::latch begun(1);
        fire_and_forget(pool, [&begun, this] {
            begun.count_down();
            may_go_.wait();
        });
        begun.wait();
    }
    ~held_pool() { let_go(); }
    held_pool(const held_pool&) = delete;
    held_pool& operator=(const held_pool&) = delete;

    void let_go() {
        if (!std::exchange(is_free_, true)) {
            may_go_.count_down();
        }
    }

private:
    static faf::pool_options fixed(faf::pool_options how) {
        how.threads = 1;
        how.fixed = true;
        return how;
    }

    std::latch may_go_{1};
    bool is_free_ = false;

public:
    faf::thread_pool pool;
};

} // namespace

TEST_CASE(
    "a task that is taken back in time never starts, and is cancelled in reports and counts") {
    const error_recorder errors(faf::hears::cancelled_too);
    std::atomic<bool> has_run{false};
    held_pool held;
    const task_handle task = fire_and_forget(cancellable(held.pool), [&] { has_run = true; });
    CHECK(task);
    CHECK_FALSE(task.is_done());
    CHECK_FALSE(task.wait(0s));
    CHECK(task.cancel());
    CHECK(task.cancel()); // and again
    CHECK(errors.empty());
    held.let_go();
    CHECK(task.wait());
    CHECK(held.pool.drain(patience));
    CHECK_FALSE(has_run);
    CHECK(held.pool.snapshot().cancelled == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("a task that has begun is too late to take back, and so is one that has run") {
    const error_recorder errors(faf::hears::cancelled_too);
    faf::thread_pool pool({.threads = 1});
    std::latch begun(1);
    std::latch end(1);
    const task_handle task = fire_and_forget(cancellable(pool), [&] {
        begun.count_down();
        end.wait();
    });
    begun.wait();
    CHECK_FALSE(task.cancel());
    CHECK_FALSE(task.is_done());
    end.count_down();
    CHECK(task.wait(patience));
    CHECK(task.is_done());
    CHECK_FALSE(task.cancel());
    CHECK(task.cancel_and_wait());
    CHECK(errors.empty());
}

TEST_CASE("a task that waits for its time is taken back at once") {
    const error_recorder errors(faf::hears::cancelled_too);
    manual_executor executor;
    int runs = 0;
    const auto once = fire_and_forget(
        cancellable(executor), {.after = 1h}, [&](int by) { runs += by; }, 100);
    const auto often = fire_and_forget(cancellable(executor), {.every = 1s}, [&] { ++runs; });
    executor.advance(2s);
    CHECK(runs == 3);
    CHECK(once.cancel());
    CHECK(often.cancel()); // between its runs
    executor.run_all();
    CHECK(once.is_done());
    CHECK(often.is_done());
    CHECK(executor.pending() == 0);
    executor.advance(2h);
    CHECK(runs == 3);
    CHECK(errors.count() == 2);
}

TEST_CASE("a repeated task that is taken back in one of its runs has had the last") {
    const error_recorder errors;
    manual_executor executor;
    int runs = 0;
    task_handle task;
    std::optional<bool> came_in_time;
    task = fire_and_forget(cancellable(executor), {.every = 1s}, [&] {
        if (++runs == 2) {
            came_in_time = task.cancel();
        }
    });
    executor.advance(1min);
    CHECK(runs == 2);
    CHECK(came_in_time == false);
    CHECK(task.is_done());
}

TEST_CASE("after cancel_and_wait nothing of the task is left, wherever it was") {
    const error_recorder errors;
    std::atomic<bool> is_gone{false};
    std::atomic<bool> is_sink_gone{false};
    faf::thread_pool pool({.threads = 2});
    const auto own_sink = [kept = std::make_shared<witness>(is_sink_gone)](const auto&) {};
    SECTION("queued") {
        held_pool held;
        const auto task = fire_and_forget(cancellable(held.pool), witness(is_gone));
        std::thread later([&] { held.let_go(); });
        CHECK(task.cancel_and_wait());
        later.join();
        CHECK(is_gone);
    }
    SECTION("delayed") {
        const auto task = fire_and_forget(cancellable(pool), {.after = 1h}, witness(is_gone));
        CHECK(task.cancel_and_wait());
        CHECK(is_gone);
    }
    SECTION("running, until it is asked to stop") {
        std::latch begun(1);
        const auto task = fire_and_forget(cancellable(pool), {.name = "runs"},
                                          [&, kept = witness(is_gone)](std::stop_token stop) {
                                              begun.count_down();
                                              while (!stop.stop_requested()) {
                                                  std::this_thread::yield();
                                              }
                                          });
        begun.wait();
        CHECK(task.cancel_and_wait());
        CHECK(is_gone);
    }
    SECTION("a coroutine that sleeps") {
        std::latch begun(1);
        const auto task =
            fire_and_forget(cancellable(pool), [&, kept = witness(is_gone)]() -> faf::task<> {
                begun.count_down();
                co_await faf::sleep_for(1h);
            });
        begun.wait();
        CHECK(task.cancel_and_wait());
        CHECK(is_gone);
    }
    SECTION("on a thread of its own, again and again") {
        const auto task =
            fire_and_forget(cancellable(faf::own_thread), {.every = 1us}, [&] { is_gone = true; });
        CHECK(eventually([&] { return is_gone.load(); }));
        CHECK(task.cancel_and_wait());
        is_gone = false;
        std::this_thread::yield();
        CHECK_FALSE(is_gone);
    }
    SECTION("its own sink as well") {
        auto task = fire_and_forget(cancellable(pool), {.on_error = own_sink},
                                    [] { throw std::runtime_error("as it should"); });
        CHECK(task.cancel_and_wait());
    }
}

TEST_CASE("a task that waits for its own end is told that at once, and asked to stop") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    task_handle task;
    std::latch is_known(1);
    std::optional<bool> answer;
    std::optional<bool> waited;
    bool is_stopped = false;
    task = fire_and_forget(cancellable(pool), [&](std::stop_token stop) {
        is_known.wait();
        waited = task.wait();
        answer = task.cancel_and_wait();
        is_stopped = stop.stop_requested();
    });
    is_known.count_down();
    CHECK(task.wait(patience));
    CHECK(waited == false);
    CHECK(answer == false);
    CHECK(is_stopped);
}

TEST_CASE("who waits on the only worker has the task run or dropped there") {
    faf::thread_pool pool({.threads = 1, .fixed = true});
    std::atomic<bool> has_run{false};
    std::atomic<bool> is_gone{false};
    std::optional<bool> answers[2];
    fire_and_forget(pool, [&] {
        const auto one = fire_and_forget(cancellable(pool), [&] { has_run = true; });
        const auto other = fire_and_forget(cancellable(pool), witness(is_gone));
        answers[0] = other.cancel_and_wait();
        answers[1] = one.wait();
    });
    CHECK(pool.drain(patience));
    CHECK(answers[0] == true);
    CHECK(answers[1] == true);
    CHECK(has_run);
    CHECK(is_gone);
}

TEST_CASE("a handle is to be had on every executor") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    std::atomic<int> runs{0};
    std::atomic<int> runs_beside{0};
    const auto fire_at = [&](auto&& executor) {
        const int before = runs;
        const auto plain = fire_and_forget(cancellable(executor), [&] { ++runs; });
        const auto named = fire_and_forget(
            cancellable(executor), {.name = "x"}, [&](int by) { runs += by; }, 1);
        CHECK(plain.wait(patience));
        CHECK(named.wait(patience));
        CHECK_FALSE(plain.cancel());
        CHECK(runs == before + 2);
        CHECK(fire_and_forget(cancellable(executor), [&] { ++runs_beside; })); // no handle is kept
    };
    faf::task_scope scope(pool);
    faf::serial_executor serial(pool);
    faf::conflating_executor<int> newest(pool);
    manual_executor manual;
    std::vector<std::jthread> threads;
    const auto on_thread = [&](faf::job work) { threads.emplace_back(std::move(work)); };
    fire_at(faf::default_pool());
    fire_at(pool);
    fire_at(faf::own_thread);
    fire_at(faf::inline_executor());
    fire_at(scope);
    fire_at(serial);
    fire_at(faf::executor_ref(scope));
    fire_at(manual);
    fire_at(on_thread);
    const auto keyed = fire_and_forget(cancellable(newest[1]), [&] { ++runs; });
    CHECK(keyed.wait(patience));
    CHECK(fire_and_forget(cancellable(), [&] { ++runs; }).wait(patience));
    CHECK(scope.drain(patience));
    CHECK(pool.drain(patience));
    CHECK(faf::drain(patience));
    manual.run_all();
    threads.clear();
    CHECK(runs == 20);
    CHECK(runs_beside == 9);
    CHECK(errors.empty());
}

TEST_CASE("a handle may outlive its executor, and a task all of its handles") {
    const error_recorder errors;
    std::atomic<int> runs{0};
    task_handle in_pool;
    task_handle in_scope;
    task_handle of_key;
    {
        faf::thread_pool pool({.threads = 1});
        faf::task_scope scope(pool);
        const faf::conflating_executor<int> newest(pool);
        in_pool = fire_and_forget(cancellable(pool), [&] { ++runs; });
        in_scope = fire_and_forget(cancellable(scope), {.every = 1h}, [&] { ++runs; });
        of_key = fire_and_forget(cancellable(newest[7]), [&] { ++runs; });
        fire_and_forget(cancellable(pool), {.after = 1us}, [&] { ++runs; });
        CHECK(eventually([&] { return runs == 4; }));
    }
    CHECK(in_pool.wait());
    CHECK(in_scope.cancel_and_wait());
    CHECK(of_key.is_done());
    CHECK_FALSE(of_key.cancel());
    CHECK(errors.empty());
}

/// A copy that can't be moved, as a lambda makes of what is const. On other threads it goes when it
/// is told.
struct left_behind {
    std::thread::id home;
    std::atomic<bool>* is_going;
    std::latch* may_go;

    left_behind(std::atomic<bool>& tell, std::latch& wait)
        : home(std::this_thread::get_id()), is_going(&tell), may_go(&wait) {}
    left_behind(const left_behind&) = default;
    left_behind& operator=(const left_behind&) = delete;
    ~left_behind() {
        if (std::this_thread::get_id() != home) {
            *is_going = true;
            may_go->wait();
        }
    }
};

TEST_CASE("a coroutine was done while its thread was still at what was left of its lambda") {
    const error_recorder errors;
    std::atomic<bool> is_going{false};
    std::latch may_go(1);
    faf::completion<> done;
    faf::thread_pool pool({.threads = 1});
    task_handle coroutine;
    {
        const left_behind const_one(is_going, may_go);
        coroutine = fire_and_forget(
            cancellable(pool), [const_one, &done]() -> faf::task<> { co_await done.in_place(); });
    }
    REQUIRE(eventually([&] { return is_going.load(); }));
    done.complete(); // and so it ends on this thread
    CHECK_FALSE(coroutine.is_done());
    CHECK_FALSE(coroutine.wait(1ms));
    may_go.count_down();
    CHECK(coroutine.wait());
    CHECK(errors.empty());
}

TEST_CASE("a handle outlives a serial executor, and what that stands on") {
    const error_recorder errors;
    std::atomic<int> runs{0};
    task_handle in_order;
    task_handle in_order_above;
    {
        faf::thread_pool pool({.threads = 1});
        faf::serial_executor below(pool);
        const faf::executor_ref by_name(below);
        faf::serial_executor above(by_name);
        in_order = fire_and_forget(cancellable(below), [&] { ++runs; });
        in_order_above = fire_and_forget(cancellable(above), {.after = 1us}, [&] { ++runs; });
        CHECK(eventually([&] { return runs == 2; }));
    }
    CHECK(in_order.wait());
    in_order = {}; // then nobody is left who keeps what the pool was
    CHECK_FALSE(in_order_above.cancel());
    in_order_above = {};
    CHECK(errors.empty());
}

TEST_CASE("a serial executor at which nothing is fired any more outlives its pool") {
    auto pool = std::make_unique<faf::thread_pool>(faf::pool_options{.threads = 1});
    std::atomic<bool> has_run{false};
    faf::serial_executor in_order(*pool);
    fire_and_forget(in_order, [&] { has_run = true; });
    pool.reset();
    CHECK(has_run);
}

TEST_CASE("a handle that its own task holds goes with it") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    std::latch is_known(1);
    auto called = std::make_shared<task_handle>();
    auto awaited = std::make_shared<task_handle>();
    auto resumed = std::make_shared<task_handle>();
    *called = fire_and_forget(cancellable(pool), [called, &is_known] { is_known.wait(); });
    *awaited = fire_and_forget(cancellable(pool), [awaited, &is_known]() -> faf::task<> {
        is_known.wait();
        co_return;
    });
    *resumed = fire_and_forget(cancellable(pool), [resumed, &is_known]() -> faf::task<> {
        co_await faf::sleep_for(1us);
        is_known.wait();
    });
    const std::weak_ptr<task_handle> all[] = {std::exchange(called, nullptr),
                                              std::exchange(awaited, nullptr),
                                              std::exchange(resumed, nullptr)};
    is_known.count_down();
    CHECK(pool.drain(patience));
    for (const auto& one : all) {
        CHECK(one.expired());
    }
    CHECK(errors.empty());
}

TEST_CASE("a handle of a refused call tells why, and has nothing to wait for") {
    const error_recorder errors;
    held_pool held({.max_pending = 1});
    CHECK(fire_and_forget(held.pool, [] {}));
    const task_handle task = fire_and_forget(cancellable(held.pool), [] {});
    CHECK_FALSE(task);
    CHECK(task.why() == refusal::queue_full);
    CHECK(task.cancel());
    CHECK(task.cancel_and_wait());
    CHECK(task.is_done());
    CHECK(errors.count() == 1);
    CHECK(held.pool.snapshot().refused == 1);
    CHECK(task_handle().wait());
}

TEST_CASE("a token of the call's own and the handle both stop the task") {
    manual_executor executor;
    std::stop_source source;
    const auto sleep = []() -> faf::task<> { co_await faf::sleep_for(1h); };
    const auto first = fire_and_forget(cancellable(executor), {.stop = source.get_token()}, sleep);
    const auto second = fire_and_forget(cancellable(executor), {.stop = source.get_token()}, sleep);
    executor.run_all();
    second.request_stop();
    executor.run_all();
    CHECK(second.is_done());
    CHECK_FALSE(first.is_done());
    source.request_stop();
    executor.run_all();
    CHECK(first.is_done());
}

TEST_CASE("of calls that take back the one before, the last runs, once it has been quiet") {
    const error_recorder errors;
    manual_executor ex;
    std::vector<int> runs;
    task_handle waiting;
    const auto call = [&](int number) {
        waiting.cancel();
        waiting = fire_and_forget(cancellable(ex), {.after = 50ms},
                                  [&runs, number] { runs.push_back(number); });
    };
    for (int i = 1; i <= 100; ++i) {
        call(i);
        ex.advance(49ms);
    }
    CHECK(runs.empty());
    ex.advance(1ms);
    CHECK(runs == std::vector{100});
    CHECK(ex.pending() == 0);
    call(101);
    CHECK(waiting.cancel());
    CHECK(ex.pending() == 1); // what was taken back is there until it is due,
    waiting.request_stop();   // or this
    ex.run_all();
    CHECK(ex.pending() == 0);
    CHECK(runs.size() == 1);
    CHECK(errors.empty());
}

TEST_CASE("of many threads that take a task back all hear the same, and it runs or does not") {
    faf::thread_pool pool({.threads = 1});
    std::uint64_t runs = 0;
    std::uint64_t came_in_time = 0;
    constexpr std::uint64_t rounds = 500;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        std::atomic<bool> has_run{false};
        const auto task = fire_and_forget(cancellable(pool), [&] { has_run = true; });
        bool other = false;
        std::optional<std::jthread> beside;
        if (i % 10 == 0) {
            beside.emplace([&, task] { other = task.cancel(); });
        }
        for (std::uint64_t k = 0; k < i % 64; ++k) {
            static_cast<void>(task.is_done());
        }
        const bool mine = task.cancel();
        const bool has_gone = task.cancel_and_wait();
        beside.reset();
        CHECK(has_gone);
        CHECK(has_run != mine);
        CHECK((i % 10 != 0 || other == mine));
        runs += has_run ? 1 : 0;
        came_in_time += mine ? 1 : 0;
    }
    CHECK(pool.drain(patience));
    CHECK(runs + came_in_time == rounds);
    CHECK(pool.snapshot().cancelled == came_in_time);
}
