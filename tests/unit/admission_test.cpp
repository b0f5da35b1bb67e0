// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/pool/admission.hpp>
#include <fire_and_forget/detail/pool/pool_door.hpp>
#include <fire_and_forget/detail/pool/pool_extras.hpp>
#include <fire_and_forget/detail/queue/pending_limit.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_staff.hpp"
#include "catch.hpp"
#include "eventually.hpp"
#include "make_task.hpp"

#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

using namespace faf::detail;
using namespace std::chrono_literals;
using faf::overflow;
using faf::priority;
using faf::refusal;

namespace {

struct entrance : faf_test::bare_executor {
    explicit entrance(faf::pool_options settings)
        : asked(std::move(settings)), limit(asked.max_pending),
          admitting(asked, lanes, limit, parts, &all_pool_extras()) {}

    entry enter(priority level = priority::normal) {
        why = refusal::none;
        return admitting.enter(level, why);
    }

    const faf::pool_options asked;
    faf_test::bare_lanes lanes;
    pending_limit limit;
    admission admitting;
    refusal why = refusal::none;
};

} // namespace

TEST_CASE("without a limit all may come in") {
    entrance one({});
    CHECK(one.enter() == entry::store);
    CHECK(one.enter() == entry::store);
    CHECK_FALSE(one.admitting.may_displace());
    one.admitting.leave();
}

TEST_CASE("as many as there are places may come in, and one more when one has left") {
    entrance one({.max_pending = 1, .when_full = overflow::refuse});
    CHECK(one.enter() == entry::store);
    CHECK(one.enter() == entry::refuse);
    CHECK(one.why == refusal::queue_full);
    one.admitting.leave();
    CHECK(one.enter() == entry::store);
}

TEST_CASE("a coroutine that goes on is let in even where there is no place") {
    entrance one({.max_pending = 1, .when_full = overflow::refuse});
    one.admitting.enter_anyway();
    one.admitting.enter_anyway();
    one.admitting.leave();
    CHECK(one.enter() == entry::refuse);
    one.admitting.leave();
    CHECK(one.enter() == entry::store);
}

TEST_CASE("who is to wait for a place waits for a while, and comes in if one becomes free") {
    entrance brief({.max_pending = 1, .when_full = overflow::wait, .full_wait = 1ms});
    CHECK(brief.enter() == entry::store);
    CHECK(brief.enter() == entry::refuse);
    CHECK(brief.why == refusal::queue_full);
    entrance patient({.max_pending = 1, .when_full = overflow::wait, .full_wait = 1h});
    CHECK(patient.enter() == entry::store);
    std::thread leaving([&] { patient.admitting.leave(); });
    CHECK(patient.enter() == entry::store);
    leaving.join();
}

TEST_CASE("who waits for a place ends the nap of the worker that stays near") {
    entrance one({.max_pending = 1, .when_full = overflow::wait, .full_wait = 1ms});
    doorbell& bell = one.lanes->bell;
    REQUIRE(bell.try_look() == doorbell::turn::mine);
    const std::uint32_t before = bell.calls_of_napper();
    CHECK(one.enter() == entry::store);
    CHECK(bell.calls_of_napper() == before);
    CHECK(one.enter() == entry::refuse);
    CHECK(bell.calls_of_napper() == before + 1);
}

TEST_CASE("who waits for a place is refused when the pool closes") {
    entrance one({.max_pending = 1, .when_full = overflow::wait, .full_wait = 1h});
    CHECK(one.enter() == entry::store);
    bool has_waited = false;
    std::thread closing([&] {
        has_waited = faf_test::eventually([&] { return one.limit.is_awaited(); });
        one.end().begin();
        one.admitting.note_closed();
    });
    CHECK(one.enter() == entry::refuse);
    CHECK(one.why == refusal::shutting_down);
    closing.join();
    CHECK(has_waited);
}

TEST_CASE("where callers are to help, one that finds no place runs its task") {
    entrance one({.max_pending = 1, .when_full = overflow::run_in_caller});
    CHECK(one.enter() == entry::store);
    CHECK(one.enter() == entry::run_here);
}

TEST_CASE("the displaced one leaves its place to the one that comes, if it is not more urgent") {
    const faf::testing::error_recorder errors;
    entrance one({.max_pending = 1, .when_full = overflow::drop_oldest});
    CHECK(one.admitting.may_displace());
    CHECK(one.enter() == entry::store);
    faf::options how;
    how.after = 1h;
    how.priority = priority::normal;
    task_ptr waiting = faf_test::make_task_with_details([] {}, how);
    waiting->begin_waiting(steady_clock::now());
    REQUIRE(one.parts.delayed.delay(waiting) == refusal::none);
    CHECK(one.enter(priority::low) == entry::refuse);
    CHECK(one.why == refusal::queue_full);
    CHECK(errors.empty());
    CHECK(one.enter(priority::high) == entry::store);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::displaced);
}

TEST_CASE("nobody may come in when the pool closes") {
    entrance one({});
    one.end().begin();
    CHECK(one.enter() == entry::refuse);
    CHECK(one.why == refusal::shutting_down);
}
