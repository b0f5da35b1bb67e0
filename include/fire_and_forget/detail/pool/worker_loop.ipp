// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/durations.hpp"
#include "worker_loop.hpp"

#include "../executor/errands.hpp"
#include "../executor/executor_parts.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/cpu_count.hpp"
#include "../platform/platform.hpp"
#include "../platform/scope_guard.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/lanes.hpp"
#include "../queue/pending_limit.hpp"
#include "growth.hpp"
#include "pool_door.hpp"
#include "worker.hpp"
#include "workforce.hpp"

#include <cstdint>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE
worker_loop::worker_loop(const pool_options& asked, lane_set& lanes, workforce& workers,
                         growth& size, pending_limit& limit, shutdown_participant& owner,
                         executor_parts& parts) noexcept
    : options_(asked), lanes_(lanes), bell_(lanes.bell), workers_(workers), growth_(size),
      limit_(limit), quiet_(parts.quiet), runner_(lanes, limit, owner, parts) {}

FIRE_AND_FORGET_ENGINE bool worker_loop::run_one(worker& guest) {
    const bool has_one = guest.take_next() || take_over(guest);
    if (has_one) {
        runner_.run(guest);
    }
    return has_one;
}

// Waiting -----------------------------------------------------------------------------------------

/// Takes a task and waits for one if need be; false when it is time to leave. A few tries come
/// first: often a lane is only locked by another worker, for some nanoseconds.
///
/// Who has just been hired begins with what is claimed, for it came first; and now and then one who
/// always finds something in a lane takes over from who does not get on. // WORKER-5
FIRE_AND_FORGET_ENGINE bool worker_loop::next_task(worker& self) {
    if (self.taker.begin_next()) {
        return true;
    }
    const unsigned before = self.searches++;
    const auto whom = before == 0 ? worker::from::anybody : worker::from::who_stands_still;
    if (before % searches_per_take_over == 0 && take_over(self, whom)) {
        end_look(self, purpose::task);
        return true;
    }
    if (self.turn == doorbell::turn::of_another) {
        for (unsigned i = 0; i < tries; ++i) {
            if (self.take_next()) {
                return true;
            }
            cpu_relax();
        }
    }
    return wait_for_task(self);
}

FIRE_AND_FORGET_ENGINE bool worker_loop::wait_for_task(worker& self) {
    self.taker.flush();
    quiet_.tell();
    for (unsigned vain_hopes = 0;;) {
        if (self.turn == doorbell::turn::of_another) {
            self.turn = bell_.try_look();
        }
        if (self.turn == doorbell::turn::mine
                ? look(self)
                : self.take_next() || (vain_hopes > 0 && take_over(self))) {
            end_look(self, purpose::task);
            return true;
        }
        if (workers_.is_dismissed()) { // WORKER-1
            end_look(self, purpose::dismissal);
            return false;
        }
        if (growth_.is_to_leave()) {
            end_look(self, purpose::absence);
            return false;
        }
        if (has_errands()) {
            end_look(self, purpose::absence);
            errands::instance().run_left();
            continue;
        }
        sleep(self, vain_hopes);
    }
}

/// Looks for a while, and then now and then as long as that spares submits the wake-up. The
/// doorbell's line is held once nothing has come for some looks: before that, it would be taken
/// from workers who are busy with tasks that follow each other closely.
///
/// Once in each look that takes long it lets go first who waits for its processor: often that is
/// another worker, kept from it with a task that it has found, with a lane that it has locked or on
/// its way to sleep. The system would leave it to a thread that looks for a whole time slice. With
/// two processors and one task each 20 us, of which the caller waits busily, that had 1 % of the
/// tasks start 2 ms late. Not where workers wake each other for each task: there half of the tasks
/// would start 1 us late.
FIRE_AND_FORGET_ENGINE bool worker_loop::look(worker& self) {
    steady_time now = steady_clock::now();
    const steady_time end = now + longest_look();
    steady_time let_others = workers_.has_napper() ? never : now + longest_alone;
    bool is_quiet = false;
    do {
        for (unsigned i = 0; i < looks_per_clock; ++i) {
            if (self.take_next()) {
                note_find(self, now, lingering::found::looking);
                return true;
            }
            if (is_quiet) {
                bell_.hold_line();
            }
            cpu_relax();
        }
        is_quiet = true;
        self.vain_looks += looks_per_clock;
        if (self.vain_looks >= looks_per_take_over && take_over(self)) {
            return true;
        }
        now = steady_clock::now();
        if (let_others <= now) {
            std::this_thread::yield();
            let_others = never;
        }
    } while (now < end);
    return take_over(self) || (stays_near(now) && look_while_near(self, now));
}

FIRE_AND_FORGET_ENGINE bool worker_loop::look_while_near(worker& self, steady_time now) {
    wake_up_on_time();
    const scope_guard at_the_end([] { wake_up_as_usual(); }); // tasks, and threads they start
    for (bool has_napped = false;; has_napped = true) {
        const std::uint32_t seen = bell_.calls_of_napper(); // ALARM-1
        if (self.take_next()) {
            using enum lingering::found;
            note_find(self, now,
                      !has_napped                                      ? looking
                      : lanes_.may_have_tasks() || limit_.is_awaited() ? napping_more
                                                                       : napping_one);
            return true;
        }
        if (take_over(self)) {
            return true;
        }
        if (!stays_near(now) || workers_.is_dismissed() || has_errands()) {
            return false;
        }
        bell_.nap(seen, later(now, nap(now)));
        now = steady_clock::now();
    }
}

/// What had to wait for its time does not count: the keeper, and no caller, wakes a worker for it.
FIRE_AND_FORGET_ENGINE void worker_loop::note_find(const worker& self, steady_time now,
                                                   lingering::found how) noexcept {
    if (!self.taker.is_of_timers()) {
        linger_.note(now, how); // WORKER-4
    }
}

/// Whether to see to what no thread could be had for: who does is kept from tasks.
FIRE_AND_FORGET_ENGINE bool worker_loop::has_errands() const noexcept {
    return errands::instance().is_any_left() && workers_.is_another_free();
}

FIRE_AND_FORGET_ENGINE bool worker_loop::stays_near(steady_time now) const noexcept {
    return workers_.has_napper() ||
           (options_.wake_up == wake::adaptive && linger_.is_worth_it(now));
}

FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds worker_loop::nap(steady_time now) const noexcept {
    const std::chrono::nanoseconds asked = options_.nap;
    const std::chrono::nanoseconds usual = asked < longest_nap ? asked : longest_nap;
    return workers_.has_napper() ? usual : linger_.nap(now, usual);
}

/// Takes what others have claimed and not begun: they are kept by what they have begun.
FIRE_AND_FORGET_ENGINE bool worker_loop::take_over(worker& self, worker::from whom) {
    self.vain_looks = 0;
    const std::uint32_t count = self.take_over(whom);
    if (count > 1) { // LANES-3
        pool_door::announce(lanes_, self.taker.where());
    }
    return count > 0;
}

FIRE_AND_FORGET_ENGINE void worker_loop::end_look(worker& self, purpose what) {
    if (self.turn == doorbell::turn::mine) {
        self.turn = doorbell::turn::of_another;
        if (!bell_.stop_looking()) {
            growth_.note_all_busy();
        } else if (leaves_need(self, what)) {
            workers_.ring(self.taker.where());
        }
    }
}

/// Whether somebody else is needed, for what is there or because somebody must look.
FIRE_AND_FORGET_ENGINE bool worker_loop::leaves_need(const worker& self,
                                                     purpose what) const noexcept {
    if (workers_.has_napper() && what != purpose::dismissal) {
        return true; // WORKER-2
    }
    return what == purpose::task ? lanes_.may_have_tasks_besides(self.taker.its())
                                 : lanes_.may_have_tasks();
}

FIRE_AND_FORGET_ENGINE void worker_loop::sleep(worker& self, unsigned& vain_hopes) {
    const std::int32_t seen = bell_.epoch(); // BELL-2
    if (workers_.has_napper()) {
        self.turn = bell_.look_or_fall_asleep(); // WORKER-2
        if (self.turn == doorbell::turn::mine) {
            return;
        }
    } else {
        bell_.fall_asleep(self.turn);
    }
    asymmetric_barrier::heavy(); // BELL-1
    if (has_hope(vain_hopes)) {
        std::this_thread::yield(); // the one whose lane is locked may need the processor
    } else if (!workers_.is_dismissed()) {
        bell_.wait(seen);
        self.vain_looks = looks_per_take_over; // what it is called for may be claimed
        vain_hopes = 0;
    }
    workers_.wake_up(self);
}

/// Whether there may be something for who has just looked in vain. A locked lane is not hoped for
/// for ever: a worker may have been stopped with its lock. When there is more, the keeper calls.
FIRE_AND_FORGET_ENGINE bool worker_loop::has_hope(unsigned& vain_hopes) const noexcept {
    constexpr unsigned most = 100;
    return ++vain_hopes < most ? lanes_.may_have_tasks() : lanes_.has_task_at_hand();
}

/// With a single processor, looking would keep others from storing what is looked for.
FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds worker_loop::longest_look() const noexcept {
    const bool pays = options_.wake_up != wake::adaptive || linger_.does_look_pay();
    return std::chrono::microseconds(has_one_cpu() || !pays ? 0 : 50);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
