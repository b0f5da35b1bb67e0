// SPDX-License-Identifier: MIT
#include <fire_and_forget/executor.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"
#include "make_task.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::job;
using faf::refusal;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

static_assert(std::is_nothrow_default_constructible_v<job>);
static_assert(std::is_nothrow_move_constructible_v<job>);
static_assert(std::is_nothrow_move_assignable_v<job>);
static_assert(!std::is_copy_constructible_v<job>);
static_assert(!std::is_copy_assignable_v<job>);
static_assert(!std::is_convertible_v<job, bool>);
static_assert(sizeof(job) == sizeof(void*));
static_assert(!std::is_constructible_v<job, faf::detail::task_ptr>,
              "users could make one of what is the library's own");

// What is an executor
static_assert(faf::executor<faf::inline_executor>);
static_assert(faf::executor<const faf::inline_executor&>);
static_assert(faf::executor<faf::thread_pool&>);
static_assert(faf::executor<faf::thread_pool>);
static_assert(faf::executor<const faf::own_thread_t&>);
static_assert(faf::executor<manual_executor&>);
static_assert(faf::executor<std::function<void(job)>>);
static_assert(faf::executor<std::function<void(job&&)>&>);
static_assert(faf::executor<decltype([](job) {})>);
static_assert(faf::executor<decltype([](job&&) {})>);
static_assert(faf::executor<decltype([](job) noexcept {})>);
static_assert(faf::executor<decltype([](job) mutable {})>);
static_assert(faf::executor<decltype([](job) mutable noexcept {})>);
static_assert(faf::executor<decltype([](job) { return faf::submission(); })>);

// What is a task
static_assert(!faf::executor<decltype([] {})>);
static_assert(!faf::executor<decltype([](auto) {})>, "a generic lambda is a task");
static_assert(!faf::executor<decltype([](auto&&...) {})>);
static_assert(!faf::executor<decltype([](int) {})>);
static_assert(!faf::executor<decltype([](job, int) {})>);
static_assert(!faf::executor<decltype([](const job&) {})>, "it could not run it");
static_assert(!faf::executor<std::function<void()>>);
static_assert(!faf::executor<void (*)()>);
static_assert(!faf::executor<void()>);
static_assert(!faf::executor<int>);
static_assert(!faf::executor<void>);
static_assert(!faf::executor<faf::options>);
static_assert(!faf::executor<job>, "a job can be fired like any other callable");
static_assert(!faf::executor<const manual_executor&>, "its execute is not const");

struct takes_anything {
    template <class F>
    void execute(F&& f) const {
        std::forward<F>(f)();
    }
};
static_assert(faf::executor<takes_anything>);

/// Calls its members what the library calls those of its own.
struct has_familiar_names {
    int core() const { return 0; }
    int home() const { return 0; }
    void execute(job work) const { work(); }
};

void run_at_once(job work) {
    work();
}
static_assert(faf::executor<decltype(run_at_once)>);
static_assert(faf::executor<decltype(&run_at_once)>);
static_assert(faf::executor<void (*)(job) noexcept>);

void fail() {
    throw std::runtime_error("task");
}

template <class Fn>
job make_job(Fn&& fn) {
    return faf::detail::job_access::make(faf_test::make_task(std::forward<Fn>(fn)));
}

} // namespace

TEST_CASE("a job runs its task when it is called") {
    const error_recorder errors;
    int runs = 0;
    {
        job work = make_job([&] { ++runs; });
        CHECK(work);
        work();
        CHECK(runs == 1);
        CHECK_FALSE(work);
    }
    CHECK(errors.empty());
}

TEST_CASE("a job that is called again does nothing") {
    int runs = 0;
    job work = make_job([&] { ++runs; });
    work();
    work();
    CHECK(runs == 1);
}

TEST_CASE("an empty job does nothing and is not reported") {
    const error_recorder errors;
    {
        job nothing;
        CHECK_FALSE(nothing);
        nothing();
    }
    CHECK(errors.empty());
}

TEST_CASE("a job destroys its closure when it has run") {
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    job work = make_job([keeps = std::move(alive)] {});
    CHECK_FALSE(watched.expired());
    work();
    CHECK(watched.expired());
}

TEST_CASE("a job that throws reports it and returns") {
    const error_recorder errors;
    job work = make_job(fail);
    work();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::exception);
}

TEST_CASE("a job that is destroyed without having been called reports its task as abandoned") {
    const error_recorder errors;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    int runs = 0;
    make_job([&runs, keeps = std::move(alive)] { ++runs; });
    CHECK(runs == 0);
    CHECK(watched.expired());
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
    CHECK(errors.errors()[0].what == "its executor destroyed the job without running it");
    CHECK(errors.errors()[0].exception == nullptr);
}

TEST_CASE("a job that was moved from leaves the task to the other") {
    const error_recorder errors;
    int runs = 0;
    job first = make_job([&] { ++runs; });
    job second = std::move(first);
    CHECK_FALSE(first);
    CHECK(second);
    first();
    CHECK(runs == 0);
    second();
    CHECK(runs == 1);
    CHECK(errors.empty());
}

TEST_CASE("a job that is assigned to abandons the task it had") {
    const error_recorder errors;
    int first_runs = 0;
    int second_runs = 0;
    job work = make_job([&] { ++first_runs; });
    work = make_job([&] { ++second_runs; });
    work();
    CHECK(first_runs == 0);
    CHECK(second_runs == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

TEST_CASE("a job that is moved to itself keeps its task") {
    const error_recorder errors;
    int runs = 0;
    job work = make_job([&] { ++runs; });
    job& same = work;
    work = std::move(same);
    work();
    CHECK(runs == 1);
    CHECK(errors.empty());
}

TEST_CASE("a job that is abandoned asks the task's own sink first") {
    const error_recorder global;
    std::vector<faf::failure> own;
    {
        manual_executor ex;
        const faf::error_sink note = [&](const faf::error_report& r) { own.push_back(r.kind); };
        CHECK(fire_and_forget(ex, {.name = "late", .on_error = note}, [] {}));
    }
    CHECK(own == std::vector<faf::failure>{faf::failure::abandoned});
    CHECK(global.empty());
}

TEST_CASE("a job can be fired at another executor") {
    const error_recorder errors;
    manual_executor first;
    manual_executor second;
    const auto relay = [&](job work) { fire_and_forget(second, std::move(work)); };
    int runs = 0;
    CHECK(fire_and_forget(relay, [&] { ++runs; }));
    CHECK(first.pending() == 0);
    CHECK(second.run_all() == 1);
    CHECK(runs == 1);
    CHECK(errors.empty());
}

TEST_CASE("inline_executor runs the task before the call returns") {
    int runs = 0;
    CHECK(fire_and_forget(faf::inline_executor(), [&] { ++runs; }));
    CHECK(runs == 1);
}

// Executors of somebody else's --------------------------------------------------------------------

TEST_CASE("a lambda that takes a job is an executor") {
    std::vector<job> queue;
    const auto ex = [&](job work) { queue.push_back(std::move(work)); };
    int sum = 0;
    CHECK(fire_and_forget(
        ex, [&](int n) { sum += n; }, 3));
    CHECK(fire_and_forget(
        ex, {.name = "four"}, [&](int n) { sum += n; }, 4));
    CHECK(sum == 0);
    for (job& work : queue) {
        work();
    }
    CHECK(sum == 7);
}

TEST_CASE("a std::function that takes a job is an executor") {
    const std::function<void(job)> ex = [](job work) { work(); };
    int runs = 0;
    CHECK(fire_and_forget(ex, [&] { ++runs; }));
    CHECK(runs == 1);
}

TEST_CASE("an executor may have members that are called as those of the library's") {
    has_familiar_names runs;
    int sum = 0;
    CHECK(fire_and_forget(runs, [&] { ++sum; }));
    CHECK(fire_and_forget(runs, {.name = "named"}, [&] { ++sum; }));
    CHECK(sum == 2);
}

TEST_CASE("a function that takes a job is an executor") {
    int runs = 0;
    CHECK(fire_and_forget(run_at_once, [&] { ++runs; }));
    CHECK(fire_and_forget(&run_at_once, {.name = "second"}, [&] { ++runs; }));
    CHECK(runs == 2);
}

TEST_CASE("an executor that is mutable or a temporary can be fired at") {
    int runs = 0;
    int calls = 0;
    CHECK(fire_and_forget(
        [&calls, n = 0](job work) mutable {
            calls = ++n;
            work();
        },
        [&] { ++runs; }));
    CHECK(runs == 1);
    CHECK(calls == 1);
    CHECK(fire_and_forget(takes_anything(), [&] { ++runs; }));
    CHECK(runs == 2);
}

TEST_CASE("a queue that needs copies can hold a job in a shared_ptr") {
    std::vector<std::function<void()>> queue;
    const auto ex = [&](job work) {
        queue.emplace_back([kept = std::make_shared<job>(std::move(work))] { (*kept)(); });
    };
    int runs = 0;
    fire_and_forget(ex, [&] { ++runs; });
    const std::vector<std::function<void()>> copies = queue;
    copies[0]();
    queue[0]();
    CHECK(runs == 1);
}

TEST_CASE("a job that its executor drops at once was refused, not abandoned") {
    const error_recorder errors;
    int runs = 0;
    const auto answer = fire_and_forget([](job) {}, {.name = "dropped"}, [&] { ++runs; });
    CHECK(answer.why() == refusal::executor_failed);
    CHECK(runs == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
    CHECK(errors.errors()[0].what == to_string(refusal::executor_failed));
    CHECK(errors.errors()[0].task == "dropped");
}

TEST_CASE("an executor that throws refuses the task with its exception") {
    const error_recorder errors;
    const auto ex = [](job) { throw std::runtime_error("pool is gone"); };
    const auto answer = fire_and_forget(ex, [] {});
    CHECK(answer.why() == refusal::executor_failed);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
    CHECK(errors.errors()[0].type == "std::runtime_error");
    CHECK(errors.errors()[0].what == "pool is gone");
    CHECK(errors.errors()[0].exception != nullptr);
}

TEST_CASE("an executor that throws after it has run the task has accepted it, and is reported") {
    const error_recorder errors;
    int runs = 0;
    const auto ex = [](job work) {
        work();
        throw std::runtime_error("afterwards");
    };
    CHECK(fire_and_forget(ex, {.name = "ran"}, [&] { ++runs; }));
    CHECK(runs == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::exception);
    CHECK(errors.errors()[0].what == "afterwards");
    CHECK(errors.errors()[0].task == "ran");
}

TEST_CASE("an executor that has no memory refuses the task for that") {
    const error_recorder errors;
    const auto answer = fire_and_forget([](job) { throw std::bad_alloc(); }, [] {});
    CHECK(answer.why() == refusal::out_of_memory);
    CHECK(errors.count() == 1);
}

TEST_CASE("an executor's own answer is handed on if it drops the job") {
    const error_recorder errors;
    struct full {
        faf::submission execute(job) const { return faf::submission(refusal::queue_full); }
    };
    CHECK(fire_and_forget(full(), [] {}).why() == refusal::queue_full);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == to_string(refusal::queue_full));
}

TEST_CASE("an executor that keeps the job has accepted it whatever it answers") {
    const error_recorder errors;
    struct confused {
        std::vector<job>* kept;
        faf::submission execute(job work) const {
            kept->push_back(std::move(work));
            return faf::submission(refusal::queue_full);
        }
    };
    std::vector<job> kept;
    int runs = 0;
    CHECK(fire_and_forget(confused{&kept}, [&] { ++runs; }));
    kept[0]();
    CHECK(runs == 1);
    CHECK(errors.empty());
}

TEST_CASE("a refused task's own sink hears of it") {
    const error_recorder global;
    std::string heard;
    const faf::error_sink note = [&](const faf::error_report& r) { heard = r.what; };
    fire_and_forget([](job) {}, {.on_error = note}, [] {});
    CHECK(heard == to_string(refusal::executor_failed));
    CHECK(global.empty());
}

TEST_CASE("an executor that drops the job of another call does not refuse its own") {
    const error_recorder errors;
    std::optional<job> held;
    const auto newest_only = [&](job work) { held = std::move(work); };
    int runs = 0;
    CHECK(fire_and_forget(newest_only, {.name = "first"}, [&] { runs += 1; }));
    CHECK(fire_and_forget(newest_only, {.name = "second"}, [&] { runs += 10; }));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
    CHECK(errors.errors()[0].task == "first");
    (*held)();
    CHECK(runs == 10);
}

TEST_CASE("an executor that drops a later job after it has run its own refuses nothing") {
    // The allocator gives the second task the memory of the first, which has ended by then.
    const error_recorder errors;
    int runs = 0;
    const auto lost_line = __LINE__ + 4;
    const auto runs_then_drops = [&](job work) {
        manual_executor other;
        work();
        fire_and_forget(other, [&] { runs += 100; });
    };
    CHECK(fire_and_forget(runs_then_drops, [&] { runs += 1; }));
    CHECK(runs == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
    CHECK(errors.errors()[0].where.line() == lost_line);
}
