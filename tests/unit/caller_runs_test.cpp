// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/abandoned_tasks.hpp>
#include <fire_and_forget/detail/pool/caller_runs.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"
#include "make_task.hpp"

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

using namespace faf::detail;
using faf::refusal;
using faf_test::make_task;

namespace {

struct calling_executor : faf_test::bare_executor {
    caller_runs callers{*this, parts};
};

} // namespace

TEST_CASE("a caller runs its task before it goes on, and others see that it does") {
    calling_executor one;
    bool has_run = false;
    task_ptr task = make_task([&] {
        const std::lock_guard lock(one.parts.quiet.mutex());
        CHECK(one.callers.running() == 1);
        CHECK(one.end().runs_this_thread());
        has_run = true;
    });
    CHECK(one.callers.run(task) == refusal::none);
    CHECK(has_run);
    CHECK(one.callers.running() == 0);
    CHECK(one.callers.entered() == 1);
    CHECK(one.callers.ended().succeeded == 1);
}

TEST_CASE("a task that throws on its caller's thread has failed there") {
    const faf::testing::error_recorder errors;
    calling_executor one;
    task_ptr task = make_task([] { throw std::runtime_error("it does"); });
    CHECK(one.callers.run(task) == refusal::none);
    CHECK(one.callers.ended().failed == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE("a caller can't run what has to wait, nor what repeats") {
    calling_executor one;
    for (const bool repeats : {false, true}) {
        faf::options how;
        how.after = std::chrono::hours(repeats ? 0 : 1);
        how.every = std::chrono::hours(repeats ? 1 : 0);
        task_ptr task = faf_test::make_task_with_details([] {}, how);
        task->begin_waiting(steady_clock::now());
        CHECK(one.callers.run(task) == refusal::queue_full);
        CHECK(task != nullptr);
    }
    CHECK(one.callers.entered() == 0);
}

TEST_CASE("no caller runs a task of an executor that closes") {
    calling_executor one;
    one.end().begin();
    task_ptr task = make_task([] {});
    CHECK(one.callers.run(task) == refusal::shutting_down);
    CHECK(task != nullptr);
}

TEST_CASE("a task that runs too long on its caller's thread is given up by who closes") {
    const faf::testing::error_recorder errors;
    calling_executor one;
    task_ptr task = make_task([&] {
        std::thread closing([&] {
            const std::lock_guard lock(one.parts.quiet.mutex());
            sink_time for_sinks(never);
            abandoned_tasks abandoned(one.parts.lent, for_sinks);
            CHECK(one.callers.write_off(abandoned) == 1);
            CHECK(one.callers.running() == 0);
        });
        closing.join();
    });
    CHECK(one.callers.run(task) == refusal::none);
    CHECK(one.callers.ended().abandoned == 1);
    CHECK(one.callers.ended().succeeded == 0);
    CHECK(errors.count() == 1);
}
