// SPDX-License-Identifier: MIT
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "each_wait.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::failure;
using faf::fire_and_forget;
using faf::job;
using faf::refusal;
using faf::scope_stats;
using faf::task_scope;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::eventually;
using faf_test::patience;

static_assert(faf::executor<task_scope&>);
static_assert(!std::is_copy_constructible_v<task_scope>);
static_assert(!std::is_move_constructible_v<task_scope>);

/// Says when it is gone. Larger than what a scope's task may capture without the heap.
struct witness {
    explicit witness(bool& tell) noexcept : gone(&tell) {}
    witness(witness&& other) noexcept : gone(std::exchange(other.gone, nullptr)) {}
    witness& operator=(witness&&) = delete;
    ~witness() {
        if (gone != nullptr) {
            *gone = true;
        }
    }
    void operator()() const noexcept {}

    bool* gone;
    std::array<char, 40> large{};
};

std::size_t count_of(const error_recorder& errors, failure kind) {
    std::size_t many = 0;
    for (const auto& one : errors.errors()) {
        many += one.kind == kind ? 1 : 0;
    }
    return many;
}

/// An object whose tasks use it to their end.
class owner {
public:
    explicit owner(faf::executor_ref on) : tasks_(on) {}

    void fire(int many) {
        for (int i = 0; i < many; ++i) {
            fire_and_forget(tasks_, [this] { note(); });
            fire_and_forget(tasks_, {.on_error = [this](const auto&) { note(); }}, [this] {
                note();
                throw std::runtime_error("as it should");
            });
            fire_and_forget(tasks_, {.every = 1ms}, [this] { note(); });
            fire_and_forget(tasks_, {.after = 1h}, [this] { note(); });
            fire_and_forget(tasks_, [this]() -> faf::task<> {
                note();
                co_await faf::sleep_for(1ms);
                note();
                co_await faf::sleep_for(1h);
            });
            fire_and_forget(tasks_, [this] { fire_and_forget(tasks_, [this] { note(); }); });
        }
    }

private:
    void note() {
        const std::lock_guard lock(mutex_);
        text_ += 'x';
    }

    std::mutex mutex_;
    std::string text_;
    task_scope tasks_; // last
};

/// Recursion as it is written: each task waits for those that it has fired.
long fibonacci(faf::thread_pool& pool, int n) {
    if (n < 2) {
        return n;
    }
    long first = 0;
    long second = 0;
    task_scope both(pool);
    fire_and_forget(both, [&, n] { first = fibonacci(pool, n - 1); });
    fire_and_forget(both, [&, n] { second = fibonacci(pool, n - 2); });
    return both.drain() ? first + second : -1000000;
}

faf::task<int> seven() {
    co_await faf::yield();
    co_return 7;
}

} // namespace

TEST_CASE("a scope waits for its own tasks only") {
    manual_executor executor;
    task_scope scope(executor);
    int runs = 0;
    fire_and_forget(scope, [&] { ++runs; });
    CHECK(scope.snapshot() == scope_stats{.pending = 1});
    std::size_t was_running = 0;
    fire_and_forget(scope, [&] { was_running = scope.snapshot().running; });
    CHECK(executor.pending() == 2);
    CHECK(scope.drain());
    CHECK(runs == 1);
    CHECK(was_running == 1);
    CHECK(scope.snapshot() == scope_stats{});

    std::latch end(1);
    faf::thread_pool pool({.threads = 2, .fixed = true});
    fire_and_forget(pool, [&] { end.wait(); });
    task_scope other(pool);
    fire_and_forget(other, [] {});
    CHECK(other.drain(patience));
    end.count_down();
}

TEST_CASE("a scope without tasks is quiet at once") {
    faf::thread_pool pool({.threads = 1});
    task_scope scope(pool);
    CHECK(scope.drain(0s));
    CHECK(scope.drain());
    CHECK(scope.cancel_pending() == 0);
}

TEST_CASE("what tasks of a scope fire at it is waited for") {
    faf::thread_pool pool({.threads = 2});
    task_scope scope(pool);
    std::atomic<int> runs{0};
    fire_and_forget(scope, [&] {
        for (int i = 0; i < 10; ++i) {
            fire_and_forget(scope, [&] { fire_and_forget(scope, [&] { ++runs; }); });
        }
    });
    CHECK(scope.drain(patience));
    CHECK(runs == 10);
}

TEST_CASE("a scope is quiet when nothing of its tasks is left, whatever became of them") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    task_scope scope(executor);
    bool is_gone = false;
    SECTION("small ones") {
        const auto shared = std::make_shared<int>(1);
        fire_and_forget(scope, [shared] {});
        CHECK(shared.use_count() == 2);
        CHECK(scope.drain());
        CHECK(shared.use_count() == 1);
        is_gone = true;
    }
    SECTION("one that ran") {
        fire_and_forget(scope, witness(is_gone));
    }
    SECTION("one with options") {
        fire_and_forget(scope, {.name = "named", .priority = faf::priority::low}, witness(is_gone));
    }
    SECTION("one that failed") {
        fire_and_forget(scope, [w = witness(is_gone)] { throw std::runtime_error("boom"); });
        CHECK(scope.drain());
        REQUIRE(errors.count() == 1);
        CHECK(errors.errors()[0].what == "boom");
    }
    SECTION("one that has expired") {
        fire_and_forget(executor, [&] { executor.advance(1s); }); // it takes that long
        fire_and_forget(scope, {.expires = 1ns}, witness(is_gone));
        CHECK(scope.drain());
        CHECK(count_of(errors, failure::expired) == 1);
    }
    SECTION("one that was asked to stop by its own token") {
        std::stop_source stop;
        fire_and_forget(scope, {.after = 1h, .stop = stop.get_token()}, witness(is_gone));
        CHECK_FALSE(scope.drain(0s));
        stop.request_stop();
        CHECK(scope.drain(0s));
        CHECK(count_of(errors, failure::cancelled) == 1);
    }
    SECTION("one that was refused") {
        CHECK_FALSE(fire_and_forget(scope, {.every = -1s}, witness(is_gone)));
        CHECK(scope.snapshot() == scope_stats{.refused = 1});
        is_gone = true; // it has not been stored
    }
    SECTION("one that repeats, when it has ended") {
        fire_and_forget(scope, {.every = 1s},
                        [w = std::make_shared<witness>(is_gone), n = 3]() mutable {
                            return --n > 0 ? faf::keep_repeating : faf::stop_repeating;
                        });
        executor.advance(1s);
        CHECK(scope.snapshot() == scope_stats{.pending = 1});
        CHECK_FALSE(scope.drain(0s));
        executor.advance(1s);
        CHECK(scope.drain(0s));
    }
    SECTION("a coroutine") {
        fire_and_forget(scope, [w = witness(is_gone)]() -> faf::task<> {
            co_await faf::sleep_for(1s);
            co_await seven();
        });
        executor.run_all();
        CHECK(scope.snapshot() == scope_stats{.running = 1});
        CHECK_FALSE(scope.drain(0s));
        CHECK_FALSE(is_gone);
        executor.advance(1s);
    }
    SECTION("a coroutine that repeats") {
        fire_and_forget(scope, {.every = 1s},
                        [w = std::make_shared<witness>(is_gone)]() -> faf::task<faf::repetition> {
                            co_await faf::sleep_for(100ms);
                            co_return faf::stop_repeating;
                        });
        executor.run_all();
        CHECK_FALSE(scope.drain(0s));
        executor.advance(100ms);
    }
    CHECK(scope.drain(0s));
    CHECK(is_gone);
    CHECK(scope.snapshot().running == 0);
}

TEST_CASE("a scope is not quiet while a task's own sink is called, whatever is left of the task") {
    struct throws_at_its_end {
        throws_at_its_end() = default;
        throws_at_its_end(throws_at_its_end&& other) noexcept
            : throws(std::exchange(other.throws, false)) {}
        throws_at_its_end& operator=(throws_at_its_end&&) = delete;
        ~throws_at_its_end() noexcept(false) {
            if (throws) {
                throw std::runtime_error("at its end");
            }
        }
        bool throws = true;
    };
    manual_executor executor;
    task_scope scope(executor);
    std::vector<bool> answers;
    const auto sink = [&](const faf::error_report& report) {
        CHECK(report.kind == failure::exception);
        answers.push_back(scope.drain(0s));
    };
    fire_and_forget(scope, {.on_error = sink}, [last = throws_at_its_end()] {});
    CHECK(executor.run_one());
    CHECK(answers == std::vector{false});
    CHECK(scope.drain(0s));
}

TEST_CASE("a scope is quiet when its executor has closed and abandoned its tasks") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    task_scope scope(pool);
    std::atomic<bool> has_begun{false};
    bool is_gone = false;
    fire_and_forget(scope, {.after = 1h}, [] {});
    fire_and_forget(scope, [&, w = witness(is_gone)]() -> faf::task<> {
        faf::completion<> never;
        const auto completer = never.completer();
        has_begun = true;
        co_await never;
    });
    CHECK(eventually([&] { return has_begun.load(); }));
    CHECK_FALSE(scope.drain(1ms));
    CHECK_FALSE(pool.shutdown(1ms));
    CHECK(scope.drain(patience));
    CHECK(is_gone);
    CHECK(count_of(errors, failure::abandoned) == 2);
    CHECK(fire_and_forget(scope, [] {}).why() == refusal::shutting_down);
    CHECK(scope.drain(0s));
}

TEST_CASE("an object may end while its tasks are queued, delayed, repeated, asleep or running") {
    faf::thread_pool pool({.threads = 2});
    error_recorder errors;
    for (int round = 0; round < 20; ++round) {
        const auto object = std::make_unique<owner>(pool);
        object->fire(round);
        if (round % 4 == 0) {
            std::this_thread::yield();
        }
    }
    CHECK(pool.drain(patience));
    const faf::stats all = pool.snapshot();
    CHECK(all.accepted == all.succeeded + all.failed + all.dropped);
    CHECK(count_of(errors, failure::abandoned) == 0);
}

TEST_CASE("an object may end whatever runs its tasks") {
    error_recorder errors;
    SECTION("threads of their own") {
        owner(faf::own_thread).fire(3);
        CHECK(faf::drain(patience));
    }
    SECTION("by hand") {
        manual_executor executor;
        owner(executor).fire(3);
        CHECK(executor.pending() == 0);
    }
    SECTION("the thread that ends it") {
        const faf::inline_executor at_once;
        task_scope scope(at_once);
        int runs = 0;
        fire_and_forget(scope, [&] { ++runs; });
        CHECK(runs == 1);
        CHECK(scope.drain(0s));
        CHECK(fire_and_forget(scope, {.after = 1s}, [] {}).why() == refusal::invalid_options);
    }
    SECTION("an executor of somebody else's") {
        std::vector<job> jobs;
        const auto later = [&](job work) { jobs.push_back(std::move(work)); };
        task_scope scope(later);
        bool is_gone = false;
        bool is_other_gone = false;
        fire_and_forget(scope, witness(is_gone));
        fire_and_forget(scope, {.name = "other"}, witness(is_other_gone));
        CHECK(jobs.size() == 2);
        CHECK_FALSE(scope.drain(0s));
        jobs[0]();
        CHECK(is_gone);
        CHECK_FALSE(scope.drain(0s));
        jobs.clear();
        CHECK(is_other_gone);
        CHECK(scope.drain(0s));
        CHECK(count_of(errors, failure::abandoned) == 1);
    }
}

TEST_CASE("what a drain runs inside of a task of a bounded pool gives its place back") {
    faf::thread_pool pool({.threads = 1, .max_threads = 1, .max_pending = 2});
    int refused = 0;
    int ran = 0;
    fire_and_forget(pool, [&] {
        for (int round = 0; round < 3; ++round) {
            faf::task_scope scope(pool);
            for (int i = 0; i < 2; ++i) {
                refused += fire_and_forget(scope, [&] { ++ran; }) ? 0 : 1;
            }
            scope.drain();
        }
    });
    CHECK(pool.drain(patience));
    CHECK(refused == 0);
    CHECK(ran == 6);
}

TEST_CASE("what a drain does inside of a task is no more than what it waits for wants") {
    faf::thread_pool pool({.threads = 1, .max_threads = 1});
    bool is_over = false;
    bool ran_inside = false;
    bool is_drained = false;
    int runs = 0;
    SECTION("another task that has been fired before stays for later") {
        fire_and_forget(pool, [&] {
            task_scope scope(pool);
            fire_and_forget(pool, {.name = "other"}, [&] { ran_inside = !is_over; });
            fire_and_forget(scope, [&] { ++runs; });
            is_drained = scope.drain();
            is_over = true;
        });
        CHECK(pool.drain(patience));
        CHECK(runs == 1);
    }
    SECTION("what repeats goes on repeating") {
        fire_and_forget(pool, [&] {
            task_scope scope(pool);
            fire_and_forget(scope, {.every = 1ms},
                            [&] { return ++runs < 3 ? faf::keep_repeating : faf::stop_repeating; });
            is_drained = scope.drain();
        });
        CHECK(pool.drain(patience));
        CHECK(runs == 3);
    }
    CHECK(is_drained);
    CHECK_FALSE(ran_inside);
    const faf::stats all = pool.snapshot();
    CHECK(all.accepted == all.succeeded);
}

TEST_CASE("a coroutine that has helped goes on elsewhere as if it had not") {
    const error_recorder errors;
    faf::thread_pool other({.threads = 1});
    faf::thread_pool pool({.threads = 1, .max_threads = 1});
    task_scope scope(pool);
    std::atomic<bool> may_help{false};
    std::atomic<bool> has_helped{false};
    std::atomic<bool> is_there{false};
    std::atomic<bool> may_end{false};
    int runs = 0;
    fire_and_forget(pool, {.name = "moves"}, [&]() -> faf::task<> {
        may_help.wait(false);
        has_helped = scope.drain();
        co_await faf::resume_on(other);
        is_there = true;
        may_end.wait(false);
    });
    for (int i = 0; i < 3; ++i) { // others' tasks for who helps, who has not fired them itself
        fire_and_forget(scope, [&] { ++runs; });
    }
    may_help = true;
    may_help.notify_all();
    REQUIRE(eventually([&] { return is_there.load(); }));
    CHECK(has_helped);
    CHECK(runs == 3);
    CHECK(pool.snapshot().pending + pool.snapshot().running == 1);
    CHECK_FALSE(pool.shutdown(0s));
    CHECK(pool.snapshot().succeeded == 3);
    CHECK(pool.snapshot().dropped == 1);
    may_end = true;
    may_end.notify_all();
    CHECK(other.drain(patience));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "moves");
}

TEST_CASE("drain answers false at once inside a task of its own scope") {
    faf::thread_pool pool({.threads = 1});
    task_scope outer(pool);
    task_scope inner(outer);
    std::atomic<int> answers{0};
    fire_and_forget(outer, [&] { answers += outer.drain() ? 0 : 1; });
    fire_and_forget(inner, [&] { answers += outer.drain() || inner.drain() ? 0 : 1; });
    fire_and_forget(inner, [&]() -> faf::task<> {
        co_await faf::yield();
        answers += outer.drain() || inner.drain() ? 0 : 1;
    });
    struct asks_at_its_end {
        task_scope* of;
        std::atomic<int>* answers;
        asks_at_its_end(task_scope& s, std::atomic<int>& a) : of(&s), answers(&a) {}
        asks_at_its_end(asks_at_its_end&& other) noexcept
            : of(std::exchange(other.of, nullptr)), answers(other.answers) {}
        asks_at_its_end& operator=(asks_at_its_end&&) = delete;
        ~asks_at_its_end() {
            if (of != nullptr) {
                *answers += of->drain() ? 0 : 1;
            }
        }
    };
    fire_and_forget(inner, [last = asks_at_its_end(outer, answers)] {});
    CHECK(outer.drain(patience));
    CHECK(answers == 4);
}

TEST_CASE("a stop request reaches what takes a token, sleeps, repeats or waits for its time") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    task_scope scope(executor);
    std::vector<std::string> seen;
    std::stop_source own;
    fire_and_forget(scope, [&](std::stop_token stop) {
        seen.emplace_back(stop.stop_requested() ? "asked" : "not asked");
    });
    fire_and_forget(scope, {.stop = own.get_token()}, [&](std::stop_token stop) {
        seen.emplace_back(stop.stop_requested() ? "asked, too" : "not asked");
    });
    fire_and_forget(scope, [&] { seen.emplace_back("queued"); });
    fire_and_forget(scope, {.after = 1h}, [&] { seen.emplace_back("delayed"); });
    fire_and_forget(scope, {.every = 1h}, [&] { seen.emplace_back("repeated"); });
    scope.request_stop();
    executor.run_all();
    CHECK(seen == std::vector<std::string>{"asked", "asked, too", "queued"});
    CHECK(count_of(errors, failure::cancelled) == 2);
    CHECK(scope.drain(0s));
    CHECK(fire_and_forget(scope, [] {}).why() == refusal::shutting_down);
    CHECK(scope.snapshot() == scope_stats{.refused = 1});
}

TEST_CASE("coroutines of a scope see its stop request") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    task_scope outer(executor);
    task_scope scope(outer);
    bool is_asked = false;
    std::stop_source own;
    fire_and_forget(scope, []() -> faf::task<> { co_await faf::sleep_for(1h); });
    fire_and_forget(scope, {.stop = own.get_token()}, [&]() -> faf::task<> {
        const std::stop_token stop = co_await faf::this_stop_token();
        const std::stop_callback noted(stop, [&] { is_asked = true; });
        co_await faf::sleep_for(1h);
    });
    executor.run_all();
    SECTION("its own") {
        scope.request_stop();
    }
    SECTION("that of the scope around it") {
        outer.request_stop();
    }
    CHECK(is_asked);
    CHECK(scope.drain(0s));
    CHECK(outer.drain(0s));
    CHECK(count_of(errors, failure::cancelled) == 2);
}

TEST_CASE("own tokens and that of a scope's executor still stop its tasks") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 2, .exit_timeout = 60s});
    task_scope scope(pool);
    std::atomic<int> stopped{0};
    std::atomic<int> begun{0};
    std::stop_source own;
    fire_and_forget(scope, {.stop = own.get_token()}, [&](std::stop_token stop) {
        ++begun;
        stopped += eventually([&] { return stop.stop_requested(); }) ? 1 : 0;
    });
    CHECK(eventually([&] { return begun == 1; }));
    own.request_stop();
    CHECK(scope.drain(patience));
    CHECK(stopped == 1);
    fire_and_forget(scope, [&](std::stop_token stop) {
        ++begun;
        stopped += eventually([&] { return stop.stop_requested(); }) ? 1 : 0;
    });
    CHECK(eventually([&] { return begun == 2; }));
    CHECK(pool.shutdown(patience));
    CHECK(stopped == 2);
}

TEST_CASE("what a running task fires at a stopped scope is taken") {
    manual_executor executor;
    task_scope scope(executor);
    int runs = 0;
    fire_and_forget(scope, [&] {
        CHECK(fire_and_forget(scope, [&] { ++runs; }));
        CHECK(fire_and_forget(scope, {.after = 1h}, [&] { ++runs; })); // cancelled at once
    });
    scope.request_stop();
    CHECK(scope.drain(0s));
    CHECK(runs == 1);
}

TEST_CASE("cancel_pending takes back what has not begun, and says how much that was") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    task_scope scope(executor);
    int runs = 0;
    const auto run = [&] { ++runs; };
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(scope, run);
    }
    fire_and_forget(scope, {.after = 1h}, run);
    fire_and_forget(scope, {.every = 1h}, run);
    bool is_gone = false;
    fire_and_forget(scope, {.name = "named"}, witness(is_gone));
    CHECK(scope.cancel_pending() == 6);
    CHECK(scope.snapshot() == scope_stats{.running = 6, .cancelled = 6});
    fire_and_forget(scope, run);
    CHECK(scope.cancel_pending() == 1);
    fire_and_forget(scope, run);
    CHECK(scope.drain(0s));
    CHECK(runs == 1);
    CHECK(is_gone);
    CHECK(count_of(errors, failure::cancelled) == 7);
    for (int i = 0; i < 100; ++i) { // they are used again
        fire_and_forget(scope, run);
        CHECK(scope.cancel_pending() == 1);
        CHECK(scope.drain(0s));
    }
    CHECK(runs == 1);
}

TEST_CASE("a repetition is taken back between its runs and during one") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    task_scope scope(executor);
    int runs = 0;
    std::uint64_t taken_back = 7;
    fire_and_forget(scope, {.every = 1s}, [&] {
        if (++runs == 2) {
            taken_back = scope.cancel_pending();
        }
    });
    SECTION("between") {
        executor.run_all();
        CHECK(scope.cancel_pending() == 1);
        CHECK(scope.drain(0s));
        CHECK(runs == 1);
        CHECK(count_of(errors, failure::cancelled) == 1);
    }
    SECTION("during one, which was the last then") {
        executor.advance(1s);
        CHECK(taken_back == 0);
        CHECK(scope.drain(0s));
        CHECK(runs == 2);
        CHECK(errors.empty());
    }
}

TEST_CASE("what was taken back is cancelled in the counters of the executor") {
    faf::thread_pool pool({.threads = 1, .fixed = true});
    error_recorder errors(faf::hears::cancelled_too);
    task_scope scope(pool);
    std::latch begun(1);
    std::latch end(1);
    fire_and_forget(scope, [&] {
        begun.count_down();
        end.wait();
    });
    begun.wait();
    for (int i = 0; i < 10; ++i) {
        fire_and_forget(scope, [] {});
        fire_and_forget(scope, {.after = 1h}, [] {});
    }
    CHECK(scope.cancel_pending() == 20);
    end.count_down();
    CHECK(scope.drain(patience));
    CHECK(pool.drain(patience));
    CHECK(pool.snapshot().cancelled == 20);
    CHECK(pool.snapshot().succeeded == 1);
    CHECK(count_of(errors, failure::cancelled) == 20);
}

TEST_CASE("tasks of a scope inside another one are tasks of both") {
    manual_executor executor;
    task_scope outer(executor);
    int runs = 0;
    {
        task_scope inner(outer);
        fire_and_forget(inner, [&] { ++runs; });
        CHECK_FALSE(outer.snapshot() == scope_stats{});
        CHECK(outer.cancel_pending() == 1);
        CHECK(inner.drain(0s));
        fire_and_forget(inner, [&] { ++runs; });
        CHECK(inner.cancel_pending() == 1);
        CHECK(outer.drain(0s));
        fire_and_forget(inner, [&] { ++runs; });
    }
    CHECK(runs == 1);
    CHECK(outer.drain(0s));
}

TEST_CASE("a scope takes jobs that were made for others") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    task_scope scope(executor);
    const faf::executor_ref ref(scope);
    bool is_gone = false;
    int runs = 0;
    const auto by_job = [&](job work) { return scope.execute(std::move(work)); };
    SECTION("that run") {
        fire_and_forget(by_job, {.name = "carried"}, [&, w = witness(is_gone)] { ++runs; });
        CHECK(scope.snapshot() == scope_stats{.pending = 1});
        CHECK(scope.drain(0s));
        CHECK(runs == 1);
    }
    SECTION("that are taken back") {
        fire_and_forget(by_job, {.name = "carried"}, witness(is_gone));
        CHECK(scope.cancel_pending() == 1);
        CHECK(scope.drain(0s));
        REQUIRE(errors.count() == 1);
        CHECK(errors.errors()[0].kind == failure::cancelled);
        CHECK(errors.errors()[0].task == "carried");
    }
    SECTION("that it refuses") {
        scope.request_stop();
        CHECK(fire_and_forget(by_job, witness(is_gone)).why() == refusal::executor_failed);
        CHECK(errors.count() == 1);
    }
    SECTION("by reference") {
        fire_and_forget(ref, {.after = 1h}, witness(is_gone));
        CHECK(scope.cancel_pending() == 1);
        CHECK(scope.drain(0s));
    }
    SECTION("coroutines among them") {
        fire_and_forget(ref,
                        [w = witness(is_gone)]() -> faf::task<> { co_await faf::sleep_for(1s); });
        executor.run_all();
        CHECK_FALSE(scope.drain(0s));
        scope.request_stop();
        CHECK(scope.drain(0s));
    }
    CHECK(is_gone);
    CHECK_FALSE(scope.execute(job()));
}

TEST_CASE("closures of any size and alignment belong to a scope") {
    struct alignas(128) aligned {
        char bytes[128];
    };
    faf::thread_pool pool({.threads = 1});
    task_scope scope(pool);
    std::atomic<int> well_placed{0};
    const aligned big{};
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(scope, [&well_placed, big] {
            well_placed += reinterpret_cast<std::uintptr_t>(&big) % alignof(aligned) == 0 ? 1 : 0;
        });
        fire_and_forget(scope, {.name = "with options"}, [&well_placed, big] {
            well_placed += reinterpret_cast<std::uintptr_t>(&big) % alignof(aligned) == 0 ? 1 : 0;
        });
    }
    CHECK(scope.drain(patience));
    CHECK(well_placed == 6);
}

TEST_CASE("a copy that throws leaves nothing behind in a scope") {
    struct throws_when_copied {
        throws_when_copied() = default;
        throws_when_copied(const throws_when_copied&) { throw std::runtime_error("no copy"); }
        void operator()() const {}
        std::array<char, 40> large{};
    };
    manual_executor executor;
    error_recorder errors;
    task_scope scope(executor);
    const throws_when_copied one;
    CHECK(fire_and_forget(scope, one).why() == refusal::copy_threw);
    CHECK(fire_and_forget(scope, {.name = "x"}, one).why() == refusal::copy_threw);
    CHECK(scope.drain(0s));
    CHECK(errors.count() == 2);
}

TEST_CASE("recursion that waits for its tasks ends in a pool that may not grow") {
    const unsigned threads = GENERATE(1U, 2U, 4U);
    faf::thread_pool pool({.threads = threads, .fixed = true});
    std::atomic<long> result{0};
    fire_and_forget(pool, [&] { result = fibonacci(pool, 12); });
    CHECK(pool.drain(patience));
    CHECK(result == 144);
    const faf::stats all = pool.snapshot();
    CHECK(all.accepted == all.succeeded);
    CHECK(all.threads <= threads);
}

TEST_CASE("many tasks that wait for theirs end in a pool that may not grow") {
    const unsigned threads = GENERATE(1U, 2U, 4U);
    faf::thread_pool pool({.threads = threads, .fixed = true});
    std::atomic<int> leaves{0};
    std::atomic<int> in_vain{0};
    task_scope all(pool);
    const auto branch = [&] {
        task_scope own(pool);
        for (int i = 0; i < 5; ++i) {
            fire_and_forget(own, [&] { ++leaves; });
        }
        in_vain += own.drain() ? 0 : 1;
    };
    fire_and_forget(pool, [&] { // waits for what is fired by another thread, too
        for (int i = 0; i < 50; ++i) {
            fire_and_forget(all, branch);
        }
        in_vain += all.drain() ? 0 : 1;
    });
    for (int i = 0; i < 50; ++i) {
        fire_and_forget(all, branch);
    }
    CHECK(pool.drain(patience));
    CHECK(leaves == 500);
    CHECK(in_vain == 0);
}

TEST_CASE("a task run by hand that waits for others has them run") {
    manual_executor executor;
    int runs = 0;
    fire_and_forget(executor, [&] {
        task_scope own(executor);
        fire_and_forget(own, [&] { ++runs; });
        fire_and_forget(own, [&] {
            task_scope further(executor);
            fire_and_forget(further, [&] { ++runs; });
            CHECK(further.drain());
        });
        CHECK(own.drain());
        CHECK(runs == 2);
    });
    CHECK(executor.run_one());
    CHECK(runs == 2);
}

TEST_CASE("by hand nobody waits for a time that does not pass by itself") {
    manual_executor executor;
    task_scope scope(executor);
    int runs = 0;
    fire_and_forget(scope, {.after = 5s}, [&] { ++runs; });
    CHECK_FALSE(scope.drain(1h));
    executor.advance(5s);
    CHECK(scope.drain(1h));
    CHECK(runs == 1);
}

TEST_CASE("a coroutine awaits the tasks of a scope without a thread") {
    manual_executor executor;
    const error_recorder errors;
    task_scope scope(executor);
    std::vector<int> ends;
    const auto wait = [&](int number) -> faf::task<> {
        co_await scope.drained();
        ends.push_back(number);
    };
    fire_and_forget(executor, wait, 0); // for nothing: it goes on at once
    CHECK(executor.run_one());
    CHECK(ends == std::vector{0});
    fire_and_forget(scope, {.after = 1s}, [&] { // and what it fires
        fire_and_forget(scope, [&] { ends.push_back(1); });
    });
    task_scope other(executor); // a task of another scope may wait
    fire_and_forget(executor, wait, 2);
    fire_and_forget(other, wait, 2);
    executor.run_all();
    CHECK(ends == std::vector{0});
    executor.advance(1s);
    CHECK(ends == std::vector{0, 1, 2, 2});
    CHECK(scope.drain(0s));
    CHECK(executor.pending() == 0);
    fire_and_forget(scope, wait, 3); // again, but that one waits for itself
    CHECK(errors.empty());
    CHECK(scope.drain(0s));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what ==
          "a task of the faf::task_scope awaits its drained(), and so itself");
    fire_and_forget(scope,
                    [&]() -> faf::task<> { co_await faf::with_timeout(scope.drained(), 1s); });
    CHECK(scope.drain(0s));
    CHECK(errors.count() == 2);
}

TEST_CASE("a coroutine awaits the tasks of a scope for some time") {
    manual_executor executor;
    const error_recorder errors;
    int timeouts = 0;
    bool is_over = false;
    fire_and_forget(executor, [&]() -> faf::task<> {
        task_scope scope(executor); // which ends with what is awaited
        fire_and_forget(scope, {.after = 10s}, [] {});
        for (bool is_quiet = false; !is_quiet;) {
            try {
                co_await faf::with_timeout(scope.drained(), 999ms);
                is_quiet = true;
            } catch (const faf::timed_out&) { // the next time, then
                ++timeouts;
            }
        }
        is_over = true;
    });
    executor.advance(9s);
    CHECK(timeouts == 9);
    CHECK_FALSE(is_over);
    executor.advance(1s);
    CHECK(is_over);
    CHECK(executor.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("who awaits a scope is abandoned with its executor, and the scope knows nothing of it") {
    error_recorder errors;
    manual_executor executor;
    task_scope scope(executor);
    fire_and_forget(scope, {.after = 1h}, [] {});
    bool is_gone = false;
    {
        manual_executor other;
        fire_and_forget(other,
                        [&, w = witness(is_gone)]() -> faf::task<> { co_await scope.drained(); });
        other.run_all();
        CHECK(other.pending() == 1);
    }
    CHECK(is_gone);
    CHECK(count_of(errors, failure::abandoned) == 1);
    CHECK(scope.cancel_pending() == 1);
    CHECK(scope.drain(0s));
}

TEST_CASE("coroutines that await a scope hear of each quiet, whoever brings it about") {
    faf::thread_pool pool({.threads = 2});
    faf::thread_pool others({.threads = 1});
    const error_recorder errors;
    std::atomic<int> heard{0};
    for (int round = 0; round < 300; ++round) {
        task_scope scope(pool);
        for (int i = 0; i < 3; ++i) {
            fire_and_forget(scope, [&scope] { fire_and_forget(scope, [] {}); });
        }
        task_scope waiting(others);
        for (int i = 0; i < 2; ++i) {
            fire_and_forget(waiting, [&]() -> faf::task<> {
                co_await scope.drained();
                ++heard;
            });
        }
        CHECK(waiting.drain(patience));
    }
    CHECK(heard == 600);
    CHECK(errors.empty());
}

TEST_CASE("what is fired at an executor that stands on a scope belongs to the scope") {
    manual_executor executor;
    error_recorder errors;
    task_scope scope(executor);
    faf::serial_executor serial(scope);
    faf::serial_executor upper{faf::executor_ref(serial)};
    faf::conflating_executor<int> latest(scope);
    bool is_gone = false;
    std::size_t refused = 0;
    SECTION("in order") {
        fire_and_forget(serial, witness(is_gone));
    }
    SECTION("in the order of two") {
        fire_and_forget(upper, {.name = "named"}, witness(is_gone));
    }
    SECTION("when its time has come") {
        fire_and_forget(serial, {.after = 1s}, witness(is_gone));
        executor.run_all();
        CHECK_FALSE(scope.drain(0s));
        executor.advance(1s);
    }
    SECTION("again and again") {
        fire_and_forget(upper, {.every = 1s},
                        [w = std::make_shared<witness>(is_gone), n = 3]() mutable {
                            return --n > 0 ? faf::keep_repeating : faf::stop_repeating;
                        });
        executor.advance(1s);
        CHECK_FALSE(scope.drain(0s));
        executor.advance(1s);
    }
    SECTION("as a coroutine") {
        fire_and_forget(serial, [w = witness(is_gone)]() -> faf::task<> {
            co_await faf::sleep_for(1s);
            co_await faf::yield();
        });
        executor.run_all();
        CHECK(scope.snapshot() == scope_stats{.running = 1});
        executor.advance(1s);
    }
    SECTION("to be replaced by what is newer") {
        fire_and_forget(latest[1], witness(is_gone));
        fire_and_forget(latest[1], [] {});
        CHECK(is_gone);
        CHECK(scope.snapshot() == scope_stats{.pending = 1});
    }
    SECTION("to be taken back") {
        fire_and_forget(serial, witness(is_gone));
        fire_and_forget(upper, {.after = 1s}, [] {});
        CHECK(scope.cancel_pending() == 2);
    }
    SECTION("to be stopped") {
        int asked = 0;
        fire_and_forget(serial, {.every = 1s}, [] {});
        fire_and_forget(upper, {.after = 1h}, [] {});
        fire_and_forget(upper,
                        [w = witness(is_gone)]() -> faf::task<> { co_await faf::sleep_for(1h); });
        fire_and_forget(serial, [&](std::stop_token stop) { asked += stop.stop_requested(); });
        fire_and_forget(latest[1], [&](std::stop_token stop) { asked += stop.stop_requested(); });
        executor.run_one(); // the first turn
        scope.request_stop();
        executor.run_all();
        CHECK(asked == 2);
        for (const faf::executor_ref on :
             {faf::executor_ref(serial), faf::executor_ref(upper), faf::executor_ref(scope)}) {
            CHECK(fire_and_forget(on, [] {}).why() == refusal::shutting_down);
            CHECK(fire_and_forget(on, seven).why() == refusal::shutting_down);
        }
        CHECK(fire_and_forget(latest[1], [] {}).why() == refusal::shutting_down);
        refused = 7;
    }
    CHECK(scope.drain(0s));
    CHECK(is_gone);
    CHECK(executor.pending() == 0);
    CHECK(errors.count() == refused);
    CHECK(count_of(errors, failure::refused) == refused);
}

TEST_CASE("a stop request of a scope reaches the scopes that stand on it, whatever is in between") {
    manual_executor executor;
    const error_recorder errors;
    task_scope outer(executor);
    faf::serial_executor serial(outer);
    task_scope middle(serial);
    const faf::executor_ref ref(middle);
    task_scope inner(ref);
    int asked = 0;
    fire_and_forget(inner, [&](std::stop_token stop) { asked += stop.stop_requested(); });
    fire_and_forget(inner, {.after = 1h}, [&] { asked += 100; });
    fire_and_forget(inner, []() -> faf::task<> { co_await faf::sleep_for(1h); });
    CHECK(outer.snapshot().pending == 3);
    SECTION("before they run") {
        outer.request_stop();
    }
    SECTION("afterwards") {
        executor.run_all();
        asked = 1;
        outer.request_stop();
    }
    CHECK(outer.drain(0s));
    CHECK(asked == 1);
    CHECK(inner.drain(0s));
    CHECK(fire_and_forget(inner, [] {}).why() == refusal::shutting_down);
    CHECK(errors.count() == 1);
}

TEST_CASE("tasks of a serial executor on a scope never overlap, whenever they come") {
    faf::thread_pool pool({.threads = 2});
    const error_recorder errors;
    task_scope outer(pool);
    faf::serial_executor serial(outer);
    task_scope inner(serial);
    std::atomic<int> inside{0};
    std::atomic<int> runs{0};
    std::atomic<int> overlaps{0};
    const auto run = [&] {
        overlaps += ++inside == 1 ? 0 : 1;
        std::this_thread::yield();
        --inside;
        ++runs;
    };
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(inner, run);
        fire_and_forget(inner, {.after = std::chrono::microseconds(i * 10)}, run);
        fire_and_forget(serial, {.after = std::chrono::microseconds(i * 10)}, run);
        fire_and_forget(inner, [&]() -> faf::task<> {
            run();
            co_await faf::sleep_for(100us);
            run();
        });
    }
    CHECK(inner.drain(patience));
    CHECK(outer.drain(patience));
    CHECK(runs == 500);
    CHECK(overlaps == 0);
    CHECK(errors.empty());
}

TEST_CASE("a scope on a serial executor is not waited for in a turn of that") {
    faf::thread_pool pool({.threads = 1, .fixed = true});
    faf::serial_executor serial(pool);
    task_scope scope(serial);
    std::vector<bool> answers;
    fire_and_forget(serial, [&] {
        answers.push_back(scope.drain());
        fire_and_forget(scope, [] {});
        answers.push_back(scope.drain());
    });
    CHECK(pool.drain(patience));
    fire_and_forget(pool, [&] { // but in another task of its only worker, which helps
        fire_and_forget(scope, [] {});
        answers.push_back(scope.drain());
    });
    CHECK(pool.drain(patience));
    CHECK(answers == std::vector{true, false, true});
}

TEST_CASE("coroutines of a scope on an executor of somebody else's stay there") {
    faf_test::job_loop loop;
    const faf::executor_ref ref(loop);
    faf::serial_executor serial(loop);
    task_scope plain(loop);
    task_scope on_scope(plain);
    task_scope on_ref(ref);
    task_scope on_serial(serial);
    faf::serial_executor serial_on_scope(plain);
    const error_recorder errors;
    std::atomic<int> at_home{0};
    const auto look = [&] { at_home += loop.runs_this_thread() ? 1 : 0; };
    for (const faf::executor_ref on :
         {faf::executor_ref(plain), faf::executor_ref(on_scope), faf::executor_ref(on_ref),
          faf::executor_ref(on_serial), faf::executor_ref(serial_on_scope)}) {
        at_home = 0;
        std::atomic<bool> is_over{false};
        fire_and_forget(on, [&] { return faf_test::look_after_each_wait(look, is_over); });
        CHECK(eventually([&] { return is_over.load(); }));
        CHECK(at_home == 4);
    }
    faf::sync_wait([&]() -> faf::task<> {
        co_await faf::resume_on(on_scope);
        look();
        co_await faf::sleep_for(1ms);
        look();
        co_await faf::resume_on(serial_on_scope);
        look();
    }());
    CHECK(at_home == 7);
    CHECK(plain.drain(patience));
    CHECK(errors.empty());
}

namespace {

faf::task<> wait_for_ever(std::atomic<int>& waiting) {
    faf::completion<> never;
    const auto completer = never.completer();
    ++waiting;
    co_await never;
}

/// Three tasks, in the scopes of two others that wait for them, or for nothing.
template <class E>
void fire_with_scopes(E& executor, std::atomic<int>& waiting) {
    fire_and_forget(executor, [&]() -> faf::task<> {
        task_scope scope(executor);
        fire_and_forget(scope, wait_for_ever, std::ref(waiting));
        fire_and_forget(scope, wait_for_ever, std::ref(waiting));
        ++waiting;
        co_await scope.drained();
    });
    fire_and_forget(executor, [&]() -> faf::task<> {
        task_scope scope(executor);
        fire_and_forget(scope, wait_for_ever, std::ref(waiting));
        fire_and_forget(scope, {.after = 1h}, [] {});
        co_await wait_for_ever(waiting);
    });
}

} // namespace

TEST_CASE("a coroutine with a scope is abandoned when its tasks have been, in whatever order") {
    error_recorder errors;
    std::atomic<int> waiting{0};
    SECTION("by hand") {
        manual_executor executor;
        fire_with_scopes(executor, waiting);
        executor.run_all();
        CHECK(waiting == 5);
    }
    SECTION("by a pool") {
        faf::thread_pool pool({.threads = 1});
        fire_with_scopes(pool, waiting);
        CHECK(eventually([&] { return waiting == 5; }));
        CHECK_FALSE(pool.shutdown(1ms));
    }
    std::uint64_t abandoned = 0;
    for (const auto& one : errors.errors()) {
        abandoned += one.kind == failure::abandoned ? 1 + one.suppressed : 0;
    }
    CHECK(abandoned >= 5);
}
