// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/closing.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"
#include "eventually.hpp"
#include "make_task.hpp"

#include <mutex>
#include <utility>

using namespace faf::detail;
using faf::refusal;
using faf_test::bare_executor;

namespace {

constexpr steady_time long_ago{};

/// A task that is not due within this test.
task_ptr late_task() {
    faf::options how;
    how.after = std::chrono::hours(1);
    task_ptr task = faf_test::make_task_with_details([] {}, how);
    task->begin_waiting(steady_clock::now());
    return task;
}

} // namespace

TEST_CASE("an executor that has nothing to do is drained at once") {
    bare_executor executor;
    CHECK(executor.end().drain_until(long_ago));
}

TEST_CASE("a drain that finds a task running answers false when its time is up") {
    bare_executor executor;
    executor.running = 1;
    CHECK_FALSE(executor.end().drain_until(long_ago));
}

TEST_CASE("who waits in vain calls those again who may not have heard a call") {
    bare_executor executor;
    executor.running = 1;
    executor.on_wait = [&] { executor.running = 0; };
    CHECK(executor.end().drain_until(deadline_after(faf_test::patience)));
}

TEST_CASE("an executor that closes takes only what running tasks fire, and then nothing") {
    bare_executor executor;
    closing& end = executor.end();
    CHECK(end.is_open_here());
    end.begin();
    CHECK(executor.closings == 1);
    CHECK_FALSE(end.is_open_here());
    CHECK_FALSE(end.is_closed());
    {
        const task_frame inside{&executor.parts.lent, this_thread.running};
        this_thread.running = &inside;
        CHECK(end.is_open_here());
        CHECK(end.runs_this_thread());
        CHECK_FALSE(end.drain_until(never));
        CHECK_FALSE(end.shutdown_until(never));
        this_thread.running = inside.outer;
    }
    CHECK(end.shutdown_until(long_ago));
    CHECK(end.is_closed());
    CHECK(end.why_not_open() == refusal::shutting_down);
    CHECK(executor.ends == 1);
}

TEST_CASE("closing asks the tasks that take a stop_token to stop") {
    bare_executor executor;
    executor.end().begin();
    CHECK(executor.parts.lent.stop.stop_requested() == executor.parts.lent.stop.stop_possible());
}

TEST_CASE("a shutdown says whether anything was left, and says it again") {
    bare_executor executor;
    executor.has_queued = true;
    CHECK_FALSE(executor.end().shutdown_until(long_ago));
    executor.has_queued = false;
    CHECK_FALSE(executor.end().shutdown_until(long_ago));
}

TEST_CASE("a shutdown that gives up a turn between two tasks has not done all") {
    bare_executor executor;
    executor.passing = 1;
    CHECK_FALSE(executor.end().shutdown_until(long_ago));
}

TEST_CASE(
    "a shutdown answered false, with nothing abandoned, for a turn that was refused meanwhile") {
    bare_executor executor;
    {
        const open_while_dropping what_came_in_behind(executor.parts.lent.home->books);
        CHECK(executor.end().shutdown_until(long_ago));
    }
    CHECK(executor.end().shutdown_until(long_ago));
}

TEST_CASE("a shutdown loses nothing that others have given up before") {
    bare_executor executor;
    executor.parts.lent.home->books.note_end(fate::dropped);
    CHECK(executor.end().shutdown_until(long_ago));

    bare_executor another;
    another.end().begin();
    another.parts.lent.home->books.note_end(fate::dropped);
    CHECK_FALSE(another.end().shutdown_until(long_ago));
}

TEST_CASE("a drain is in vain as long as a task runs that was written off") {
    const faf::testing::error_recorder errors;
    bare_executor executor;
    executor.running = 1;
    CHECK_FALSE(executor.end().shutdown_until(long_ago));
    CHECK(errors.count() == 1);
    CHECK_FALSE(executor.end().drain_until(long_ago));
    {
        const std::lock_guard lock(executor.parts.quiet.mutex());
        executor.end().note_written_off_end();
    }
    CHECK(executor.end().drain_until(long_ago));
}

TEST_CASE("closing abandons what can't start in time, and takes no more that waits") {
    const faf::testing::error_recorder errors;
    bare_executor executor;
    task_ptr task = late_task();
    CHECK(executor.parts.delayed.delay(task) == refusal::none);
    CHECK_FALSE(executor.end().drain_until(long_ago));
    executor.end().give_up_late(deadline_after(std::chrono::seconds(1)));
    CHECK(executor.end().drain_until(long_ago));
    CHECK_FALSE(executor.end().shutdown_until(long_ago));
    CHECK(errors.count() == 1);
    task = late_task();
    CHECK(executor.parts.delayed.delay(task) == refusal::shutting_down);
    CHECK(task != nullptr);
}

TEST_CASE("an executor that closes for exit gives its sink up, which is the user's") {
    bare_executor executor;
    const faf::error_sink sink = [](const faf::error_report&) {};
    executor.parts.sink.set(&sink);
    sink_time for_sinks(never);
    executor.end().begin();
    executor.end().wait_for_exit(steady_clock::now(), for_sinks);
    executor.end().close_for_exit(steady_clock::now(), for_sinks);
    CHECK(executor.end().is_closed());
    CHECK(executor.parts.sink.sink() == nullptr);
}

TEST_CASE(
    "an executor that was used is looked after by the keeper until it has ended its threads") {
    bare_executor executor;
    executor.end().begin_use();
    CHECK_FALSE(keeper::instance().enlist(executor.watched)); // it is already
    executor.end().begin();
    static_cast<void>(executor.end().shutdown_until(long_ago));
    CHECK(keeper::instance().enlist(executor.watched));
    static_cast<void>(keeper::instance().dismiss(executor.watched));
}
