// SPDX-License-Identifier: MIT
// What comes at the worst moment while a task is stored that has to wait for its time: it is had at
// that moment each time, by what the library does at its stress points.

#define FIRE_AND_FORGET_STRESS

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/delayed_tasks.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"
#include "make_task.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <utility>

namespace {

/// What is done at the next stress point of this thread.
thread_local std::function<void()> at_that_moment;

} // namespace

void faf::detail::stress_point() noexcept {
    if (at_that_moment) {
        std::exchange(at_that_moment, {})();
    }
}

namespace {

using namespace faf::detail;
using namespace std::chrono_literals;
using faf::refusal;
using faf_test::bare_executor;

const steady_time start = steady_clock::now() + 1h;

refusal delay(bare_executor& executor, task_ptr task) {
    task->begin_waiting(start);
    return executor.parts.delayed.delay(task);
}

TEST_CASE("a stop that is asked for and looked for while its task is stored is not forgotten") {
    const faf::testing::error_recorder errors(faf::hears::cancelled_too);
    bare_executor executor;
    std::stop_source source;
    faf::options how;
    how.after = 1h;
    how.stop = source.get_token();
    int runs = 0;
    task_ptr task = faf_test::make_task_with_details([&] { ++runs; }, how);
    at_that_moment = [&] {
        source.request_stop();
        executor.run_due(start); // and does not find it
    };
    CHECK(delay(executor, std::move(task)) == refusal::none);
    CHECK(errors.count() == 0);
    executor.run_due(start);
    CHECK(errors.count() == 1);
    CHECK(runs == 0);
}

TEST_CASE("a task that is stored to repeat while all repeating ends is not left") {
    const faf::testing::error_recorder errors;
    bare_executor executor;
    faf::options how;
    how.after = 1h;
    how.every = 1h;
    int runs = 0;
    const auto body = [&] {
        ++runs;
        at_that_moment = [&] { executor.parts.delayed.end_repeating(); };
    };
    CHECK(delay(executor, faf_test::make_task_with_details(body, how)) == refusal::none);
    executor.run_due(start + 1h);
    CHECK_FALSE(at_that_moment);
    CHECK(executor.parts.delayed.count().cancelled == 1);
    CHECK(runs == 1);
}

} // namespace
