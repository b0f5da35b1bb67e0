// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::executor_ref;
using faf::fire_and_forget;
using faf::job;
using faf::refusal;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

static_assert(faf::executor<executor_ref>);
static_assert(faf::executor<const executor_ref&>);
static_assert(sizeof(executor_ref) == 2 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<executor_ref>);
static_assert(std::is_convertible_v<faf::thread_pool&, executor_ref>);
static_assert(!std::is_convertible_v<int&, executor_ref>);

/// What takes one by value need not be a template.
faf::submission fire_at(executor_ref on, int& runs) {
    return fire_and_forget(on, [&runs] { ++runs; });
}

void run_at_once(job work) {
    work();
}

} // namespace

TEST_CASE("an executor_ref fires at the executor that it refers to") {
    manual_executor first;
    manual_executor second;
    int runs = 0;
    executor_ref on(first);
    CHECK(fire_at(on, runs));
    on = executor_ref(second);
    const executor_ref copy(on);
    CHECK(fire_at(copy, runs));
    CHECK(first.run_all() == 1);
    CHECK(second.run_all() == 1);
    CHECK(runs == 2);
}

TEST_CASE("through an executor_ref tasks wait for their time and repeat") {
    manual_executor behind;
    const executor_ref on(behind);
    int runs = 0;
    int repeated = 0;
    CHECK(fire_and_forget(on, {.after = 3s}, [&] { ++runs; }));
    CHECK(fire_and_forget(on, {.every = 1s}, [&] { ++repeated; }));
    behind.advance(2s);
    CHECK(runs == 0);
    behind.advance(2s);
    CHECK(runs == 1);
    CHECK(repeated == 5);
}

TEST_CASE("a coroutine resumes on the executor behind an executor_ref, and sleeps there") {
    manual_executor first;
    manual_executor second;
    executor_ref to(second);
    int steps = 0;
    fire_and_forget(executor_ref(first), [&]() -> faf::task<> {
        ++steps;
        co_await faf::resume_on(to);
        ++steps;
        co_await faf::sleep_for(1s);
        ++steps;
    });
    first.run_all();
    CHECK(steps == 1);
    CHECK(second.run_all() == 1);
    CHECK(steps == 2);
    second.advance(1s);
    CHECK(steps == 3);
}

TEST_CASE("a coroutine resumes on an executor of somebody else's behind an executor_ref") {
    manual_executor first;
    std::vector<job> jobs;
    auto somebody = [&](job work) { jobs.push_back(std::move(work)); };
    executor_ref to(somebody);
    int steps = 0;
    fire_and_forget(first, [&]() -> faf::task<> {
        ++steps;
        co_await faf::resume_on(to);
        ++steps;
    });
    first.run_all();
    REQUIRE(jobs.size() == 1);
    jobs.front()();
    CHECK(steps == 2);
}

TEST_CASE("through an executor_ref an executor of somebody else's is one without timers") {
    const error_recorder errors;
    std::vector<job> jobs;
    auto somebody = [&](job work) { jobs.push_back(std::move(work)); };
    const executor_ref on(somebody);
    int runs = 0;
    CHECK(fire_at(on, runs));
    REQUIRE(jobs.size() == 1);
    jobs.front()();
    CHECK(runs == 1);
    CHECK(fire_and_forget(on, {.after = 1s}, [] {}).why() == refusal::invalid_options);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors().front().what == "this executor has no timers");
}

TEST_CASE("what an executor behind an executor_ref throws or drops is refused and told") {
    const error_recorder errors;
    auto throws = [](job) { throw std::runtime_error("no room"); };
    auto drops = [](job) {};
    auto answers = [](job) { return faf::submission(); };
    CHECK(fire_and_forget(executor_ref(throws), [] {}).why() == refusal::executor_failed);
    CHECK(fire_and_forget(executor_ref(drops), [] {}).why() == refusal::executor_failed);
    CHECK(fire_and_forget(executor_ref(answers), [] {}).why() == refusal::executor_failed);
    REQUIRE(errors.count() == 3);
    CHECK(errors.errors().front().what == "no room");
}

TEST_CASE("an executor_ref refers to functions, std::functions and own_thread as well") {
    int runs = 0;
    CHECK(fire_at(run_at_once, runs));
    std::function<void(job)> stored = run_at_once;
    CHECK(fire_at(stored, runs));
    const faf::inline_executor here;
    CHECK(fire_at(here, runs));
    CHECK(runs == 3);
    std::atomic<bool> has_run{false};
    CHECK(fire_and_forget(executor_ref(faf::own_thread), [&] { has_run = true; }));
    CHECK(faf_test::eventually([&] { return has_run.load(); }));
    CHECK(faf::drain(faf_test::patience));
}

TEST_CASE("a pool counts what it is given through an executor_ref, and its sink is asked") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1, .on_error = errors.sink()});
    const executor_ref on(pool);
    std::atomic<int> runs{0};
    fire_and_forget(on, [&] { ++runs; });
    fire_and_forget(on, {.name = "late", .after = 1ms}, [&] { ++runs; });
    fire_and_forget(on, [text = std::string(100, 'x'), &runs] { runs += text.empty() ? 0 : 1; });
    CHECK(pool.drain(faf_test::patience));
    CHECK(runs == 3);
    CHECK(pool.snapshot().succeeded == 3);
    pool.shutdown(faf_test::patience);
    CHECK(fire_and_forget(on, [] {}).why() == refusal::shutting_down);
    CHECK(pool.snapshot().refused == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE("a job made for another executor goes through an executor_ref") {
    manual_executor behind;
    const executor_ref on(behind);
    int runs = 0;
    CHECK(fire_and_forget([&](job work) { return on.execute(std::move(work)); }, [&] { ++runs; }));
    CHECK(on.execute(job()).why() == refusal::empty_callable);
    behind.run_all();
    CHECK(runs == 1);
}

TEST_CASE("a core of any type takes a task and says why not") {
    using faf::detail::any_core;
    const error_recorder errors;
    const auto make = [](auto fn) {
        faf::testing::manual_executor unused;
        job kept;
        fire_and_forget([&](job work) { kept = std::move(work); }, fn);
        return faf::detail::job_access::take(kept);
    };
    int runs = 0;
    manual_executor ours;
    const any_core core(ours);
    CHECK(core.home() != nullptr);
    auto task = make([&] { ++runs; });
    CHECK(core.accept(task) == refusal::none);
    ours.run_all();
    CHECK(runs == 1);

    auto somebody = [](job work) { work(); };
    const any_core foreign(somebody);
    CHECK(foreign.home() == nullptr);
    task = make([&] { ++runs; });
    CHECK(foreign.accept(task) == refusal::none);
    CHECK(runs == 2);

    auto drops = [](job) {};
    task = make([&] { ++runs; });
    CHECK(any_core(drops).accept(task) == refusal::executor_failed);
    CHECK(errors.empty());
    auto throws = [](job) { throw std::runtime_error("no room"); };
    task = make([&] { ++runs; });
    CHECK(any_core(throws).accept(task) == refusal::executor_failed);
    CHECK(errors.count() == 1);
}
