// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/abandoned_tasks.hpp>
#include <fire_and_forget/detail/executor/delayed_tasks.hpp>
#include <fire_and_forget/detail/executor/keeper.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"
#include "eventually.hpp"
#include "make_task.hpp"
#include "test_ward.hpp"

#include <atomic>
#include <chrono>
#include <utility>

using namespace faf::detail;
using namespace std::chrono_literals;
using faf::failure;
using faf::refusal;
using faf_test::bare_executor;

namespace {

const steady_time start = steady_clock::now() + 1h;

template <class Fn>
refusal delay(bare_executor& executor, Fn fn, faf::options how) {
    task_ptr task = faf_test::make_task_with_details(fn, how);
    task->begin_waiting(start);
    return executor.parts.delayed.delay(task);
}

faf::options after(std::chrono::nanoseconds delay) {
    faf::options how;
    how.after = delay;
    return how;
}

faf::options every(std::chrono::nanoseconds period) {
    faf::options how;
    how.after = period;
    how.every = period;
    return how;
}

/// Has the keeper sleep until long before all that is delayed here.
class rare_ward final : private faf_test::test_ward {
public:
    rare_ward() { enlist(); }
    ~rare_ward() { strike_off(); }
    rare_ward(const rare_ward&) = delete;
    rare_ward& operator=(const rare_ward&) = delete;

    int visits() const { return visits_; }

private:
    visit look_after(steady_time) override {
        ++visits_;
        return {start - 30min, false};
    }

    std::atomic<int> visits_{0};
};

} // namespace

TEST_CASE("a delayed task is handed on when its time has come, and not before") {
    bare_executor executor;
    int runs = 0;
    CHECK(delay(
              executor, [&] { ++runs; }, after(10ms)) == refusal::none);
    CHECK(executor.parts.delayed.has_awaited());
    executor.run_due(start + 9ms);
    CHECK(runs == 0);
    executor.run_due(start + 10ms);
    CHECK(runs == 1);
    CHECK_FALSE(executor.parts.delayed.has_awaited());
    CHECK(executor.parts.delayed.count().accepted == 1);
}

TEST_CASE("a task that repeats is handed on again, and ends when all are to stop") {
    bare_executor executor;
    int runs = 0;
    CHECK(delay(
              executor, [&] { ++runs; }, every(10ms)) == refusal::none);
    executor.run_due(start + 10ms);
    executor.run_due(start + 20ms);
    CHECK(runs == 2);
    CHECK_FALSE(executor.parts.delayed.has_awaited()); // a drain does not wait for it
    CHECK(executor.ended_early == 0);
    executor.parts.delayed.end_repeating();
    CHECK(executor.ended_early == 1);
    CHECK(executor.parts.delayed.count().cancelled == 1);
    executor.run_due(start + 1h);
    CHECK(runs == 2);
}

TEST_CASE("a task that asks to repeat when all are to stop runs no more") {
    bare_executor executor;
    int runs = 0;
    CHECK(delay(
              executor,
              [&] {
                  ++runs;
                  executor.parts.delayed.end_repeating();
              },
              every(10ms)) == refusal::none);
    executor.run_due(start + 10ms);
    executor.run_due(start + 1h);
    CHECK(runs == 1);
}

TEST_CASE("the displaced task is the one of its priority whose time comes last") {
    const faf::testing::error_recorder errors;
    bare_executor executor;
    int first = 0;
    int last = 0;
    CHECK(delay(
              executor, [&] { ++first; }, after(10ms)) == refusal::none);
    CHECK(delay(
              executor, [&] { ++last; }, after(20ms)) == refusal::none);
    CHECK_FALSE(executor.parts.delayed.displace_latest(faf::priority::high));
    CHECK(executor.parts.delayed.displace_latest(faf::priority::normal));
    executor.run_due(start + 1h);
    CHECK(first == 1);
    CHECK(last == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::displaced);
    CHECK(executor.parts.delayed.count().dropped == 1);
}

TEST_CASE("nobody awaits a task that was displaced") {
    const faf::testing::error_recorder errors;
    bare_executor executor;
    CHECK(delay(
              executor, [] {}, after(10ms)) == refusal::none);
    CHECK(executor.parts.delayed.has_awaited());
    CHECK(executor.parts.delayed.displace_latest(faf::priority::normal));
    CHECK_FALSE(executor.parts.delayed.has_awaited());
}

TEST_CASE("closing abandons what comes too late and keeps what comes in time") {
    const faf::testing::error_recorder errors;
    bare_executor executor;
    int runs = 0;
    CHECK(delay(
              executor, [&] { ++runs; }, after(10ms)) == refusal::none);
    CHECK(delay(
              executor, [&] { ++runs; }, after(30ms)) == refusal::none);
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(executor.parts.lent, for_sinks);
        executor.parts.delayed.close(start + 20ms, abandoned);
    }
    CHECK(errors.count() == 1);
    CHECK(executor.ended_early == 1);
    CHECK(executor.parts.delayed.has_abandoned());
    CHECK(delay(
              executor, [&] { ++runs; }, after(10ms)) == refusal::shutting_down);
    executor.run_due(start + 1h);
    CHECK(runs == 1);
}

TEST_CASE("of many that are delayed one calls the keeper, lest they are left where they came in") {
    constexpr int many = 16384;
    rare_ward other;
    keeper::instance().notice_activity(); // there is one
    CHECK(faf_test::eventually([&] {
        return other.visits() > 0 && keeper::instance().sleeps_past(start - 31min) &&
               !keeper::instance().sleeps_past(start);
    }));
    const int before = other.visits();
    bare_executor executor;
    int taken = 0;
    int runs = 0;
    for (int i = 0; i < many; ++i) {
        const refusal why = delay(
            executor, [&] { ++runs; }, after(1h));
        taken += why == refusal::none ? 1 : 0;
    }
    CHECK(taken == many);
    CHECK(faf_test::eventually([&] { return other.visits() > before; }));
    for (int i = 0; i < many && runs < many; ++i) {
        executor.run_due(start + 1h);
    }
    CHECK(runs == many);
}
