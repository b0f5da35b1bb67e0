// SPDX-License-Identifier: MIT
// A task that is being fired while its pool closes is either seen by who closes or taken back by
// who fires it. For that, who closes must pass a barrier between closing the door and waiting for
// what has come in. Without it a store that is still in a processor's buffer goes unseen, once in
// many millions: so the barrier itself is watched here. And who closes must leave him the time to
// take it back.

#include "catch.hpp"
#include "eventually.hpp"
#include "own_syscall.hpp"

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <utility>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

/// What is done on this thread when it passes a barrier.
thread_local std::function<void()> at_barrier;

/// The same, when it lets others have the processor.
thread_local std::function<void()> at_yield;

} // namespace

extern "C" int sched_yield() noexcept {
    if (at_yield) {
        std::exchange(at_yield, {})();
    }
    return static_cast<int>(syscall(SYS_sched_yield));
}

std::optional<long> faf_test::answer_instead(const system_call& call) noexcept {
    if (call.number == SYS_membarrier && call.arguments[0] == MEMBARRIER_CMD_PRIVATE_EXPEDITED &&
        at_barrier) {
        std::exchange(at_barrier, {})();
    }
    return {};
}

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::detail::asymmetric_barrier;

TEST_CASE(
    "a pool that closes passes a barrier when its door is closed and its workers still work") {
    faf::testing::error_recorder errors;
    std::atomic<bool> may_end{false};
    std::atomic<int> runs{0};
    faf::thread_pool pool({.threads = 1, .max_threads = 1});
    const auto open_up = [&] {
        may_end = true;
        may_end.notify_all();
    };
    fire_and_forget(pool, [&] {
        ++runs;
        may_end.wait(false);
    });
    CHECK(eventually([&] { return runs == 1; }));
    fire_and_forget(pool, [&] { ++runs; });
    if (asymmetric_barrier::current() != asymmetric_barrier::kind::asymmetric) {
        return open_up(); // both sides are fences here
    }
    int barriers = 0;
    faf::refusal answer = faf::refusal::none;
    bool has_run = false;
    fire_and_forget(faf::inline_executor(), [&] { // a task may fire until the door is closed
        at_barrier = [&] {
            ++barriers;
            answer = fire_and_forget(pool, [] {}).why();
            open_up();
            has_run = eventually([&] { return runs == 2; });
        };
        static_cast<void>(pool.shutdown(0s));
        at_barrier = {};
    });
    CHECK(barriers == 1);
    CHECK(answer == faf::refusal::shutting_down);
    CHECK(has_run);
    CHECK(errors.count() == 1); // the refusal
    open_up();
}

TEST_CASE("a shutdown with time left does not give up what is about to be taken back") {
    if (asymmetric_barrier::current() != asymmetric_barrier::kind::asymmetric) {
        return; // there is no system call to be watched
    }
    faf::testing::error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    CHECK(fire_and_forget(pool, [] {}));
    CHECK(pool.drain(patience));
    faf::detail::lane_set& lanes = faf::detail::core_of(pool).lanes();
    faf::detail::pool_lane* const lane = lanes.lend(faf::priority::normal);
    REQUIRE(lane != nullptr);
    REQUIRE(lane->has_room());
    static constexpr faf::detail::task_vtable unwanted{};
    bool is_back = false;
    at_barrier = [&] {     // the door is closed
        at_barrier = [&] { // nothing is queued, and nothing runs
            faf::detail::slot& late = lane->reserve();
            late.where = faf::call_site::current();
            lane->publish(late, unwanted);
            at_yield = [&] { is_back = lane->try_recall(late) && lane->unreserve(late); };
        };
    };
    CHECK(pool.shutdown(patience));
    CHECK(is_back);
    CHECK(errors.count() == 0);
    at_barrier = {};
    at_yield = {};
}

} // namespace
