// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/abandoned_tasks.hpp>
#include <fire_and_forget/detail/pool/admission.hpp>
#include <fire_and_forget/detail/pool/caller_runs.hpp>
#include <fire_and_forget/detail/pool/intake.hpp>
#include <fire_and_forget/detail/pool/pool_door.hpp>
#include <fire_and_forget/detail/pool/pool_extras.hpp>
#include <fire_and_forget/detail/queue/pending_limit.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_staff.hpp"
#include "catch.hpp"
#include "make_task.hpp"

#include <cstdint>
#include <thread>
#include <utility>

using namespace faf::detail;
using faf::overflow;
using faf::refusal;
using faf_test::make_task;

namespace {

struct bare_intake : faf_test::bare_executor {
    explicit bare_intake(faf::pool_options settings = {})
        : asked(std::move(settings)), limit(asked.max_pending),
          admitting(asked, lanes, limit, parts, &all_pool_extras()), callers(*this, parts),
          storing(lanes, admitting, callers, parts, &all_pool_extras(), nullptr) {}

    bool abandon() {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(parts.lent, for_sinks);
        return storing.abandon_queued(abandoned, intake::queued::in_time);
    }

    const faf::pool_options asked;
    faf_test::bare_lanes lanes;
    pending_limit limit;
    admission admitting;
    caller_runs callers;
    intake storing;
};

} // namespace

TEST_CASE("a task that was let in is stored in a lane, and abandoned if nobody takes it") {
    const faf::testing::error_recorder errors;
    bare_intake pool;
    task_ptr task = make_task([] {});
    CHECK(pool.storing.accept(task, entry::store) == refusal::none);
    CHECK(task == nullptr);
    CHECK(pool.lanes->pushed() == 1);
    CHECK(pool.abandon());
    CHECK(pool.storing.abandoned() == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE("a task that a closed pool has taken back stays the caller's, and gives its place back") {
    bare_intake pool({.max_pending = 1, .when_full = overflow::refuse});
    refusal why = refusal::none;
    REQUIRE(pool.admitting.enter(faf::priority::normal, why) == entry::store);
    pool.lanes->close();
    task_ptr task = make_task([] {});
    CHECK(pool.storing.accept(task, entry::store) == refusal::shutting_down);
    CHECK(task != nullptr);
    CHECK(pool.limit.try_enter());
    CHECK_FALSE(pool.abandon());
}

TEST_CASE("what has become due is stored without asking who may come in") {
    const faf::testing::error_recorder errors;
    bare_intake pool({.max_pending = 1, .when_full = overflow::refuse});
    task_ptr task = make_task([] {});
    CHECK(pool.storing.start_due(*task.release()));
    CHECK(pool.lanes->pushed() == 1);
    CHECK(pool.lanes->accepted() == 0); // it was before
    CHECK(pool.abandon());
    CHECK(errors.count() == 1);
}

TEST_CASE("what has become due ends the nap of a worker that stays near") {
    bare_intake pool;
    doorbell& bell = pool.lanes->bell;
    CHECK(bell.try_look() == doorbell::turn::mine);
    const std::uint32_t seen = bell.calls_of_napper();
    pool.storing.announce_due();
    CHECK(bell.calls_of_napper() != seen);
}

TEST_CASE("a task that its caller is to run runs on the calling thread, and is counted") {
    bare_intake pool;
    std::thread::id ran_on;
    task_ptr task = make_task([&] {
        ran_on = std::this_thread::get_id();
        CHECK(pool.callers.running() == 1);
    });
    CHECK(pool.storing.accept(task, entry::run_here) == refusal::none);
    CHECK(ran_on == std::this_thread::get_id());
    CHECK(pool.callers.running() == 0);
    CHECK(pool.callers.entered() == 1);
    CHECK(pool.callers.ended().succeeded == 1);
}
