// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/pool/growth.hpp>
#include <fire_and_forget/testing.hpp>

#include "bare_staff.hpp"
#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#if defined(__linux__)
#include "tells_of_locks.hpp"
#endif

using namespace faf::detail;
using namespace std::chrono_literals;
using faf_test::bare_staff;
using faf_test::eventually;

namespace {

const steady_time start = steady_clock::now();

struct growing_staff : bare_staff {
    explicit growing_staff(faf::pool_options settings)
        : bare_staff(std::move(settings)),
          size(asked, lanes, workers, *this, parts.quiet, parts.sink) {}

    growth size;
};

} // namespace

TEST_CASE("the keeper need not come back to a pool that has nothing to do") {
    growing_staff staff({.threads = 2});
    const ward::visit found = staff.size.look_after(start);
    CHECK_FALSE(found.is_active);
    CHECK(found.next == never);
    CHECK_FALSE(staff.size.is_to_leave());
}

TEST_CASE("a visit that finds tasks and nobody at work has a worker come") {
    growing_staff staff({.threads = 2});
    staff.lanes.store_dummy();
    const ward::visit found = staff.size.look_after(start);
    CHECK(found.is_active);
    CHECK(found.next == start + keeper::tick);
    CHECK(eventually([&] { return staff.working == 1; }));
}

TEST_CASE("lanes that are idle for long are made dormant while others are used") {
    growing_staff staff({.threads = 1});
    pool_lane* const idle = staff.lanes->lend(faf::priority::normal);
    REQUIRE(idle != nullptr);
    staff.lanes.store_dummy(); // in another one
    steady_time now = start;
    for (int ticks = 0; ticks < 50; ++ticks, now += keeper::tick) {
        static_cast<void>(staff.size.look_after(now));
    }
    CHECK(idle->has(pool_lane::is_dormant));
    CHECK(staff.lanes->may_have_tasks());
}

TEST_CASE("between two ticks nothing is done") {
    growing_staff staff({.threads = 2});
    static_cast<void>(staff.size.look_after(start));
    staff.lanes.store_dummy();
    CHECK(staff.size.look_after(start).is_active);
    CHECK(eventually([&] { return staff.working == 1; }));
    CHECK(staff.size.look_after(start + keeper::tick / 2).next == start + keeper::tick);
    CHECK(staff.workers.vacancies() == 1);
}

TEST_CASE("when nothing gets on because all are blocked, more are hired than were asked for") {
    const faf::testing::error_recorder errors; // which may hear that there may be no more
    growing_staff staff({.threads = 1, .max_threads = 2});
    for (int i = 0; i < 10; ++i) {
        staff.lanes.store_dummy();
    }
    steady_time now = start;
    CHECK(eventually([&] {
        static_cast<void>(staff.size.look_after(now));
        now += keeper::tick;
        return staff.working == 2;
    }));
    CHECK(staff.workers.extra_places() == 1);
}

TEST_CASE("when nobody is free any more the keeper is to come back soon, then ever more rarely") {
    growing_staff staff({.threads = 1, .max_threads = 2});
    CHECK_FALSE(staff.size.look_after(start).is_active);
    staff.workers.hire_usual();
    REQUIRE(eventually([&] { return staff.working == 1 && !staff.lanes->bell.has_looker(); }));
    steady_time now = start + keeper::tick;
    std::chrono::nanoseconds pause = elasticity::soonest;
    CHECK(staff.size.look_after(now).next == now + pause);
    for (steady_time last = now; now < start + 100ms; last = now) {
        now = staff.size.look_after(now).next;
        REQUIRE(now > last);
        REQUIRE(now <= last + keeper::tick);
    }
    const steady_time tick = staff.size.look_after(now).next;
    CHECK(staff.size.look_after(tick).next == tick + keeper::tick);
    CHECK(staff.workers.extra_places() == 0); // no task waits
}

TEST_CASE("a pool that may not grow is visited at ticks only") {
    growing_staff staff({.threads = 1});
    staff.workers.hire_usual();
    REQUIRE(eventually([&] { return staff.working == 1 && !staff.lanes->bell.has_looker(); }));
    CHECK(staff.size.look_after(start).next == start + keeper::tick);
    CHECK(staff.size.look_after(start + 1ms).next == start + keeper::tick);
}

#if defined(__linux__)

/// A pool of one, who is kept until the end.
struct kept_staff : growing_staff {
    enum class at { a_task, nothing };
    enum class by { waiting, a_mutex, a_loop };

    kept_staff(at what, by whom) : growing_staff({.threads = 1, .max_threads = 2}) {
        held_.lock();
        work = [this, what, whom](worker& self) {
            stop_looking(self);
            const bool has_task = what == at::a_task && self.take_next();
            number_ = self.thread_number.load();
            keep(whom);
            if (has_task) {
                self.taker.finish_slot();
                static_cast<void>(self.taker.end());
            }
        };
        if (what == at::a_task) {
            lanes.store_dummy();
        }
        workers.hire_usual();
        const auto expected = whom == by::waiting   ? thread_activity::blocked
                              : whom == by::a_mutex ? thread_activity::at_lock
                                                    : thread_activity::able;
        REQUIRE(eventually([&] { return number_ != 0 && activity_of(number_) == expected; }));
    }
    ~kept_staff() override {
        may_go_on_ = true;
        may_go_on_.notify_all();
        held_.unlock();
        dismiss_all(); // while there is `number_`
    }

    /// Visits at each tick; what has been hired when `time` is over.
    std::uint32_t hired_within(std::chrono::nanoseconds time) {
        const steady_time end = now_ + time;
        for (; now_ < end; now_ += keeper::tick) {
            static_cast<void>(size.look_after(now_));
        }
        return workers.extra_places();
    }

private:
    void keep(by whom) {
        if (whom == by::waiting) {
            may_go_on_.wait(false);
        } else if (whom == by::a_mutex) {
            const std::lock_guard lock(held_);
        } else {
            while (!may_go_on_) {
            }
        }
    }

    std::mutex held_;
    std::atomic<bool> may_go_on_{false};
    std::atomic<long> number_{0};
    steady_time now_ = start;
};

TEST_CASE("for a task behind one that has just been blocked the next look hires") {
    kept_staff staff(kept_staff::at::a_task, kept_staff::by::waiting);
    const steady_time next = staff.size.look_after(start).next;
    staff.lanes.store_dummy();
    CHECK(staff.size.look_after(next - 1us).next == next);
    CHECK(staff.workers.extra_places() == 0);
    static_cast<void>(staff.size.look_after(next));
    CHECK(staff.workers.extra_places() == 1);
}

TEST_CASE("who is blocked between two tasks is about to take one, unless that takes too long") {
    kept_staff staff(kept_staff::at::nothing, kept_staff::by::waiting);
    staff.lanes.store_dummy();
    CHECK(staff.hired_within(progress_watch::far_too_long * keeper::tick) == 0);
    CHECK(staff.hired_within(keeper::tick) == 1);
}

TEST_CASE("a pool grew while its workers waited for a lock of which the holder had no processor") {
    if (!faf_test::tells_of_locks()) {
        WARN("left out: the system does not tell who is at a lock");
        return;
    }
    kept_staff staff(kept_staff::at::a_task, kept_staff::by::a_mutex);
    staff.lanes.store_dummy();
    CHECK(staff.hired_within(250ms) == 0);
    CHECK(staff.hired_within(50ms) == 1); // he may be waiting for a task behind it
}

TEST_CASE("a pool grew while its workers waited for a processor between two tasks") {
    kept_staff staff(kept_staff::at::nothing, kept_staff::by::a_loop);
    staff.lanes.store_dummy();
    CHECK(staff.hired_within(400ms) == 0);
    CHECK(staff.hired_within(200ms) == 1);
}

#endif

TEST_CASE("a pool wants to know that nobody is free any more at most once a tick") {
    growing_staff staff({.threads = 1, .max_threads = 2});
    CHECK(staff.size.wants_to_know());
    staff.size.note_all_busy();
    CHECK_FALSE(staff.size.wants_to_know());
    static_cast<void>(staff.size.look_after(start));
    CHECK(staff.size.wants_to_know());
    staff.size.note_all_busy();
    static_cast<void>(staff.size.look_after(start + 1ms));
    CHECK_FALSE(staff.size.wants_to_know());
    static_cast<void>(staff.size.look_after(start + keeper::tick));
    CHECK(staff.size.wants_to_know());
}

TEST_CASE("a pool that may not grow does not want to know that nobody is free any more") {
    growing_staff staff({.threads = 1});
    static_cast<void>(staff.size.look_after(start));
    CHECK_FALSE(staff.size.wants_to_know());
}

TEST_CASE("for extra workers that sleep the keeper need not come before they may leave") {
    growing_staff staff({.threads = 1, .max_threads = 2});
    staff.work = [&](worker& self) {
        staff.lanes->bell.fall_asleep(self.turn);
        static_cast<void>(eventually([&] { return staff.workers.is_dismissed(); }));
        self.turn = staff.lanes->bell.wake_up();
    };
    REQUIRE(staff.workers.hire_extra());
    CHECK(eventually([&] { return staff.workers.is_another_free(); }));
    const ward::visit found = staff.size.look_after(start);
    CHECK_FALSE(found.is_active);
    CHECK(found.next == start + 500ms);
    CHECK(staff.size.look_after(start + 1ms).next == found.next);
    CHECK_FALSE(staff.size.is_to_leave());
    static_cast<void>(staff.size.look_after(found.next));
    CHECK(staff.size.is_to_leave());
}

TEST_CASE("an extra worker that was asleep for long is to leave") {
    growing_staff staff({.threads = 1, .max_threads = 2});
    staff.work = [&](worker& self) {
        staff.lanes->bell.fall_asleep(self.turn);
        ++staff.taken;
        static_cast<void>(eventually([&] { return staff.workers.is_dismissed(); }));
        self.turn = staff.lanes->bell.wake_up();
    };
    REQUIRE(staff.workers.hire_extra());
    CHECK(eventually([&] { return staff.workers.is_another_free(); }));
    bool is_asked = false;
    for (steady_time now = start; now < start + 2s && !is_asked; now += keeper::tick) {
        static_cast<void>(staff.size.look_after(now));
        is_asked = staff.size.is_to_leave();
        CHECK((!is_asked || now >= start + 500ms));
    }
    CHECK(is_asked);
    CHECK_FALSE(staff.size.is_to_leave()); // there is but one
}
