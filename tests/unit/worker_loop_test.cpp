// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/platform/cpu_count.hpp>
#include <fire_and_forget/detail/pool/admission.hpp>
#include <fire_and_forget/detail/pool/caller_runs.hpp>
#include <fire_and_forget/detail/pool/growth.hpp>
#include <fire_and_forget/detail/pool/intake.hpp>
#include <fire_and_forget/detail/pool/pool_door.hpp>
#include <fire_and_forget/detail/pool/worker_loop.hpp>
#include <fire_and_forget/detail/queue/pending_limit.hpp>
#include <fire_and_forget/detail/queue/run_length.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_staff.hpp"
#include "catch.hpp"
#include "eventually.hpp"
#include "make_task.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace faf::detail;
using faf::refusal;
using faf_test::eventually;
using namespace std::chrono_literals;

namespace {

struct working_staff : faf_test::bare_staff {
    explicit working_staff(faf::pool_options settings)
        : bare_staff(std::move(settings)), limit(asked.max_pending),
          admitting(asked, lanes, limit, parts, nullptr), callers(*this, parts),
          storing(lanes, admitting, callers, parts, nullptr, nullptr),
          size(asked, lanes, workers, *this, parts.quiet, parts.sink),
          loop(asked, lanes, workers, size, limit, *this, parts) {
        work = [this](worker& self) { loop.work_through(self); };
    }
    ~working_staff() override { workers.dismiss_until(deadline_after(faf_test::patience)); }

    template <class Fn>
    void store(Fn fn) {
        refusal why = refusal::none;
        const entry how = admitting.enter(faf::priority::normal, why);
        task_ptr task = faf_test::make_task(std::move(fn));
        REQUIRE(storing.accept(task, how) == refusal::none);
    }
    template <class Fn>
    void fire(Fn fn) {
        store(std::move(fn));
        workers.ring({});
    }

    pending_limit limit;
    admission admitting;
    caller_runs callers;
    intake storing;
    growth size;
    worker_loop loop;
};

#if defined(__linux__)

/// While somebody looks there. Who sleeps may yield as well.
std::atomic<const doorbell*> bell_in_question{nullptr};
std::atomic<long> yields{0};

#endif

/// A worker that has claimed all that is stored, and does not get on with the first of it.
class stuck_claim {
public:
    stuck_claim(lane_set& in, std::uint32_t tasks)
        : in_(in), its_(*in.lend_claim()), taker_(its_, &in) {
        REQUIRE(
            in.first(static_cast<std::size_t>(faf::priority::normal))->try_take(taker_, tasks) ==
            tasks);
        const task_ptr dropped(node_in(taker_.taken()));
        taker_.finish_slot();
        taker_.flush();
        its_.note_progress();
    }
    ~stuck_claim() {
        CHECK(its_.end());
        in_.take_back(its_);
    }
    stuck_claim(const stuck_claim&) = delete;
    stuck_claim& operator=(const stuck_claim&) = delete;

private:
    lane_set& in_;
    claim& its_;
    task_taker taker_;
};

} // namespace

#if defined(__linux__)

/// This program's own stands before the real one; the linker finds it first.
extern "C" int sched_yield() noexcept {
    const doorbell* const bell = bell_in_question;
    if (bell != nullptr && bell->has_looker()) {
        ++yields;
    }
    return static_cast<int>(::syscall(SYS_sched_yield));
}

#endif

TEST_CASE("a worker that has just been hired begins with what is claimed, which came first") {
    std::vector<int> order;
    std::atomic<std::size_t> ran{0};
    working_staff staff({.threads = 1});
    const auto note = [&](int number) {
        return [&, number] {
            order.push_back(number);
            ++ran;
        };
    };
    for (int i = 0; i < 3; ++i) {
        staff.store(note(i));
    }
    { const stuck_claim of_one_who_left(staff.lanes, 3); }
    staff.store(note(3));
    staff.fire(note(4));
    CHECK(eventually([&] { return ran == 4; }));
    CHECK(order == std::vector{1, 2, 3, 4});
}

TEST_CASE("a worker that always finds something takes over from who does not get on") {
    constexpr int later = 2'000;
    std::atomic<bool> may_begin{false};
    std::atomic<int> runs{0};
    std::atomic<int> runs_before{-1};
    working_staff staff({.threads = 1});
    staff.fire([&] { may_begin.wait(false); });
    REQUIRE(eventually([&] { return staff.lanes->taken() == 1; }));
    staff.store([] {});
    staff.store([&] { runs_before = runs.load(); });
    const stuck_claim of_one_who_is_kept(staff.lanes, 2);
    for (int i = 0; i < later; ++i) {
        staff.store([&] { ++runs; });
    }
    may_begin = true;
    may_begin.notify_all();
    CHECK(eventually([&] { return runs == later && runs_before >= 0; }));
    CHECK(runs_before <= 16 * static_cast<int>(run_length::most)); // 16 searches
}

TEST_CASE("a worker runs what it finds, falls asleep, and is woken for more") {
    std::atomic<int> runs{0};
    working_staff staff({.threads = 1});
    for (int round = 1; round <= 3; ++round) {
        for (int i = 0; i < 10; ++i) {
            staff.fire([&] { ++runs; });
        }
        CHECK(eventually([&] { return runs == 10 * round; }));
        CHECK(eventually([&] { return staff.workers.is_another_free(); }));
    }
    CHECK(staff.workers.roster().counts().succeeded == 30);
}

TEST_CASE("a task that throws does not end its worker") {
    const faf::testing::error_recorder errors;
    std::atomic<int> runs{0};
    working_staff staff({.threads = 1});
    staff.fire([] { throw std::runtime_error("it does"); });
    staff.fire([&] { ++runs; });
    CHECK(eventually([&] { return runs == 1; }));
    CHECK(errors.count() == 1);
    CHECK(staff.workers.roster().hired() == 1);
}

TEST_CASE("a task that a worker takes gives its place in the limit back") {
    std::atomic<int> runs{0};
    working_staff staff({.threads = 1, .max_pending = 1, .when_full = faf::overflow::refuse});
    staff.fire([&] { ++runs; });
    CHECK(eventually([&] { return runs == 1; }));
    CHECK(staff.limit.try_enter());
}

TEST_CASE("a worker that finds a task and leaves nobody free says so") {
    std::atomic<int> begun{0};
    std::atomic<bool> may_end{false};
    working_staff staff({.threads = 2, .max_threads = 3});
    const auto keep_one = [&] {
        ++begun;
        may_end.wait(false);
    };
    staff.fire(keep_one);
    REQUIRE(eventually([&] { return begun == 1; }));
    CHECK(staff.size.wants_to_know());
    staff.fire(keep_one);
    REQUIRE(eventually([&] { return begun == 2; }));
    CHECK_FALSE(staff.size.wants_to_know());
    may_end = true;
    may_end.notify_all();
}

#if defined(__linux__)

TEST_CASE("a worker that looks in vain lets others of its processor go first") {
    if (has_one_cpu()) {
        SUCCEED("with one processor no worker looks");
        return;
    }
    std::atomic<bool> has_run{false};
    working_staff staff({.threads = 1});
    bell_in_question = &staff.lanes->bell;
    for (int round = 0; round < 3; ++round) {
        const long before = yields;
        has_run = false;
        staff.fire([&] { has_run = true; });
        CHECK(eventually([&] { return has_run && yields > before; }));
    }
    bell_in_question = nullptr;
}

#endif

TEST_CASE("a worker that is dismissed runs first what is there") {
    std::atomic<int> runs{0};
    {
        working_staff staff({.threads = 1});
        for (int i = 0; i < 100; ++i) {
            staff.fire([&] { ++runs; });
        }
    }
    CHECK(runs == 100);
}

TEST_CASE("where workers wake each other, one stays awake") {
    std::atomic<int> runs{0};
    working_staff staff({.threads = 2, .wake_up = faf::wake::by_worker});
    staff.fire([&] { ++runs; });
    CHECK(eventually([&] { return runs == 1; }));
    CHECK(eventually([&] { return staff.lanes->bell.has_looker(); }));
}

namespace {

/// Fires tasks one after the other, with rests that are longer than a look, and answers whether one
/// looks at the end of each of twenty. A rest does not count if it or one of the last few was long
/// for a worker to stay near: the system may have kept this thread, or that one, from going on. On
/// a very busy machine there are no others.
[[maybe_unused]] bool stays_near(working_staff& staff) {
    constexpr int wanted = 20;
    constexpr int enough_in_a_row = 10;
    int counted = 0;
    int near = 0;
    int in_a_row = 0;
    steady_time last = steady_clock::now();
    for (int round = 0; round < 1'000 && counted < wanted; ++round) {
        std::atomic<bool> has_run{false};
        staff.fire([&] { has_run = true; });
        CHECK(eventually([&] { return has_run.load(); }));
        std::this_thread::sleep_for(300us);
        const bool is_near = staff.lanes->bell.has_looker();
        const steady_time before = std::exchange(last, steady_clock::now());
        in_a_row = last - before < 2ms ? in_a_row + 1 : 0;
        counted += in_a_row > enough_in_a_row ? 1 : 0;
        near += in_a_row > enough_in_a_row && is_near ? 1 : 0;
    }
    return near == counted;
}

} // namespace

#if !defined(_WIN32) // where a nap is as long as a tick of the clock

TEST_CASE(
    "a worker that is to adapt stays near while tasks keep coming, and sleeps when they stop") {
    for (const unsigned threads : {1U, 2U}) {
        CAPTURE(threads);
        working_staff staff(
            {.threads = threads, .max_threads = threads, .wake_up = faf::wake::adaptive});
        CHECK(eventually([&] { return stays_near(staff); }));
        CHECK(eventually([&] { return !staff.lanes->bell.has_looker(); }));
        CHECK(eventually([&] { return staff.workers.is_another_free(); }));
    }
}

#endif
