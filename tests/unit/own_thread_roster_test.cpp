// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/abandoned_tasks.hpp>
#include <fire_and_forget/detail/executor/running_tasks.hpp>
#include <fire_and_forget/detail/pool/own_thread_roster.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"

#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace {

using namespace faf::detail;
using record = own_thread_roster::record;

std::unique_ptr<record> fired(const char* name) {
    std::unique_ptr<record> one = thread_line::make({}, name);
    REQUIRE(one != nullptr);
    return one;
}

struct its_own {
    faf::stats counts() const {
        faf::stats all;
        roster.add_to(all);
        return all;
    }

    faf_test::bare_executor on;
    own_thread_roster roster{on.parts.quiet, on.parts.end};
};

} // namespace

TEST_CASE("what is fired runs from before its thread starts until it is settled") {
    its_own all;
    const auto one = fired("one");
    REQUIRE(all.roster.enter(*one, 1) == faf::refusal::none);
    CHECK(all.roster.running() == 1);
    CHECK_FALSE(all.roster.is_quiet(0));
    CHECK(all.roster.enter(*fired("too many"), 1) == faf::refusal::no_thread);

    CHECK(all.roster.begin(one.get(), 1) == one.get());
    CHECK(one->thread == std::this_thread::get_id());
    CHECK(all.roster.next(*one, fate::succeeded, 1) == nullptr);
    CHECK(all.roster.running() == 1); // it is settled when its thread ends
    CHECK_FALSE(all.roster.end_thread(one.get(), fate::succeeded, 1));
    CHECK(all.roster.is_quiet(0));
    CHECK(all.counts().accepted == 1);
    CHECK(all.counts().succeeded == 1);
    CHECK(all.counts().threads == 0);
}

TEST_CASE("what got no thread was never accepted") {
    its_own all;
    const auto one = fired("one");
    REQUIRE(all.roster.enter(*one, 1) == faf::refusal::none);
    CHECK(all.roster.take_back(*one));
    CHECK(all.counts().accepted == 0);
    CHECK(all.roster.is_quiet(0));
    CHECK(all.roster.enter(*one, 1) == faf::refusal::none);
    CHECK(all.roster.take_back(*one));
}

TEST_CASE("a thread that has ended its task goes on with what waits, and is not quiet in between") {
    its_own all;
    const auto first = fired("first");
    const auto waiting = fired("waiting");
    REQUIRE(all.roster.enter(*first, 1) == faf::refusal::none);
    REQUIRE(all.roster.begin(first.get(), 1) == first.get());
    all.roster.line_up(*waiting);
    CHECK_FALSE(all.roster.send_thread(1)); // there is one
    CHECK(all.roster.next(*first, fate::failed, 1) == waiting.get());
    CHECK(all.counts().failed == 1);
    CHECK(all.roster.running() == 1);
    CHECK_FALSE(all.roster.end_thread(waiting.get(), fate::succeeded, 1));
    CHECK(all.counts().succeeded == 1);
}

TEST_CASE("a thread that is sent and comes in vain leaves nothing behind") {
    its_own all;
    const auto waiting = fired("waiting");
    all.roster.line_up(*waiting);
    REQUIRE(all.roster.send_thread(2));
    CHECK(all.roster.give_up_waiting() == waiting.get());
    CHECK_FALSE(all.roster.is_quiet(0)); // it is on its way
    CHECK(all.roster.begin(nullptr, 2) == nullptr);
    CHECK_FALSE(all.roster.end_thread(nullptr, fate::failed, 2));
    CHECK(all.roster.is_quiet(0));
    CHECK(all.counts().dropped == 1);
    CHECK(all.roster.next_try(2) == never);
}

TEST_CASE("a thread that ends while something waits that none comes to has another sent") {
    its_own all;
    const auto first = fired("first");
    const auto waiting = fired("waiting");
    REQUIRE(all.roster.enter(*first, 1) == faf::refusal::none);
    all.roster.line_up(*waiting);
    CHECK(all.roster.end_thread(first.get(), fate::succeeded, 1));
    REQUIRE(all.roster.send_thread(1));
    CHECK(all.roster.begin(nullptr, 1) == waiting.get());
    CHECK_FALSE(all.roster.end_thread(waiting.get(), fate::succeeded, 1));
    CHECK(all.roster.is_quiet(0));
}

TEST_CASE("what waits is tried again after the system has refused a thread") {
    its_own all;
    const auto waiting = fired("waiting");
    all.roster.line_up(*waiting);
    REQUIRE(all.roster.send_thread(1));
    CHECK(all.roster.note_no_thread({}, std::exception_ptr()));
    CHECK(all.roster.next_try(1) != never);
    CHECK(all.counts().threads == 0);
    all.roster.note_started();
    CHECK(all.roster.send_thread(1));
    CHECK(all.roster.begin(nullptr, 1) == waiting.get());
    CHECK_FALSE(all.roster.end_thread(waiting.get(), fate::succeeded, 1));
}

TEST_CASE("a coroutine that waits for a thread of its own is not abandoned as one of its tasks") {
    its_own all;
    suspended coroutine;
    const auto waiting = fired("waiting");
    waiting->coroutine = &coroutine;
    all.roster.line_up(*waiting);
    CHECK(all.roster.give_up_waiting() == waiting.get());
    CHECK(all.counts().dropped == 0);
    CHECK(all.roster.is_quiet(0));
}

TEST_CASE("what was given up on its own thread ends as nothing else, and is waited for") {
    const faf::testing::error_recorder errors;
    its_own all;
    const auto one = fired("one");
    REQUIRE(all.roster.enter(*one, 1) == faf::refusal::none);
    one->thread = std::thread::id(); // another one
    all.on.running = 1;              // which is what closing asks, here
    CHECK_FALSE(all.on.parts.end.shutdown_until(steady_time()));
    {
        const std::lock_guard lock(all.on.parts.quiet.mutex());
        sink_time for_sinks(steady_time::max());
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        CHECK(all.roster.write_off_running(abandoned) == 1);
    }
    CHECK_FALSE(all.on.parts.end.drain_until(steady_time()));
    CHECK_FALSE(all.roster.end_thread(one.get(), fate::succeeded, 1));
    CHECK(all.on.parts.end.drain_until(steady_time()));
    CHECK(all.counts().accepted == 1);
    CHECK(all.counts().dropped == 1);
    CHECK(all.counts().succeeded == 0);
}
