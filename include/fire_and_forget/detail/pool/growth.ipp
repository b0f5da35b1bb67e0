// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/durations.hpp"
#include "growth.hpp"

#include "../executor/quiescence.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../executor/sink_lending.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/lanes.hpp"
#include "starvation.hpp"
#include "worker_roster.hpp"
#include "workforce.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

namespace growing {

/// In a pool that never has more than one thread it is usual that tasks wait for another, so nobody
/// is told unless he has asked for it.
inline std::chrono::nanoseconds starvation_after(const pool_options& asked,
                                                 const workforce& workers) noexcept {
    const bool is_asked_for = asked.starvation_after != pool_options{}.starvation_after;
    const bool is_wanted = workers.most_places() > 1 || is_asked_for;
    return is_wanted ? asked.starvation_after : time_span();
}

} // namespace growing

[[gnu::cold]] FIRE_AND_FORGET_ENGINE growth::growth(const pool_options& asked, lane_set& lanes,
                                                    workforce& workers, shutdown_participant& owner,
                                                    quiescence& quiet, sink_lending& sinks)
    : lanes_(lanes), bell_(lanes.bell), workers_(workers), owner_(owner), quiet_(quiet),
      sinks_(sinks), wants_to_know_(may_grow()),
      elasticity_(workers.places(), workers.most_places(),
                  growing::starvation_after(asked, workers), asked.grow_after) {}

FIRE_AND_FORGET_ENGINE bool growth::is_to_leave() noexcept {
    std::uint32_t leaving = leaving_.load(std::memory_order_relaxed);
    while (leaving > 0 &&
           !leaving_.compare_exchange_weak(leaving, leaving - 1, std::memory_order_relaxed)) {
    }
    return leaving > 0;
}

FIRE_AND_FORGET_ENGINE void growth::call_keeper() noexcept {
    if (wants_to_know_.exchange(false, std::memory_order_relaxed)) {
        keeper::instance().call();
    }
}

FIRE_AND_FORGET_ENGINE bool growth::may_grow() const noexcept {
    return workers_.places() < workers_.most_places();
}

FIRE_AND_FORGET_ENGINE ward::visit growth::look_after(steady_time now) {
    ward::visit result;
    const std::uint32_t sleepers = bell_.sleepers();
    const sight seen{now, sleepers, lanes_.may_have_tasks(), workers_.extra_places(),
                     sleepers > 0 || bell_.has_looker()};
    result.is_active = seen.has_tasks || seen.sleepers < workers_.places() + seen.extra ||
                       bell_.is_ringing() || workers_.has_stragglers();
    const bool is_too_large = !result.is_active && seen.extra > 0;
    if (result.is_active || is_too_large) {
        if (next_tick_ <= now) {
            next_tick_ = later(now, keeper::tick);
            if (++ticks_ % ticks_per_sleep == 0) {
                lanes_.let_idle_sleep();
            }
            see_to_progress(seen);
        } else if (!seen.is_anybody_free && next_look_ <= now) {
            make_up_for_blocked(seen);
        }
        const steady_time end = elasticity_.end_of_window();
        result.next = is_too_large && next_tick_ < end ? end : next_tick_;
    }
    if (seen.is_anybody_free) {
        expect_saturation(now);
    } else {
        result.next = earlier_of(result.next, next_look_);
    }
    was_anybody_free_ = seen.is_anybody_free;
    return result;
}

/// Somebody is free: when nobody is any more, that is news.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void growth::expect_saturation(steady_time now) {
    if (!was_anybody_free_) {
        elasticity_.note_free();
        next_look_ = {};
    }
    if (may_grow() && next_question_ <= now && !wants_to_know()) {
        next_question_ = later(now, keeper::tick);
        wants_to_know_.store(true, std::memory_order_relaxed);
    }
}

/// Progress is what counts: whoever looks or was rung for is relied on only while tasks are taken.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void growth::see_to_progress(const sight& seen) {
    const bool is_ringing = bell_.is_ringing();
    lanes_.find_claim([](claim& one) {
        one.note_progress();
        return false;
    });
    stuck_ = progress_.note(lanes_.taken(), seen.has_tasks || is_ringing);
    if (workers_.has_stragglers()) {
        bell_.call_all();
    }
    const bool is_stuck = stuck_ >= progress_watch::too_long;
    if (is_stuck && seen.sleepers > 0) {
        call_instead(seen);
    } else if (seen.is_anybody_free && (!seen.has_tasks || (bell_.has_looker() && !is_stuck))) {
        let_leave(seen);
    } else if (seen.sleepers > 0) { // those who are awake have no time for what is there
        workers_.call_or_hire({}, workforce::ring_of::somebody_else);
    } else {
        make_up_for_blocked(seen);
    }
}

/// Nothing gets on though somebody sleeps: a call was lost, or who looks or was called has been
/// stopped. So others are called, and if that is no use hired.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void growth::call_instead(const sight& seen) {
    if (seen.has_tasks && !lanes_.has_task_at_hand()) {
        return; // a worker has been stopped with the lock of a lane: what is there can't be had
    }
    bell_.call_all();
    const bool is_no_use = stuck_ > progress_watch::too_long;
    if (!seen.has_tasks) {
        if (is_no_use && !workers_.has_napper()) {
            bell_.give_up_ring(); // what it was for has been done meanwhile
        }
    } else if (is_no_use && workers_.vacancies() > 0) {
        workers_.hire_usual();
    } else if (is_no_use) {
        make_up_for_blocked(seen);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void growth::let_leave(const sight& seen) {
    const std::uint32_t vacant = workers_.vacancies();
    const std::uint32_t idle = seen.sleepers > vacant ? seen.sleepers - vacant : 0;
    const std::uint32_t leaving = elasticity_.when_at_ease(seen.now, idle, seen.extra);
    if (leaving > 0) {
        leaving_.store(leaving, std::memory_order_relaxed); // what was not heeded is forgotten
        bell_.call_all();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void growth::make_up_for_blocked(const sight& seen) {
    std::unique_ptr<const starvation> lack;
    unsigned to_hire = 0;
    next_look_ = later(seen.now, elasticity::soonest);
    {
        std::unique_lock lock(quiet_.mutex(), std::defer_lock);
        if (!try_lock_soon(lock)) {
            return; // the keeper waits for nobody
        }
        if (workers_.vacancies() > 0) {
            return; // meanwhile a worker has left: its place comes first
        }
        const auto between = stuck_ >= progress_watch::far_too_long
                                 ? worker_roster::between_tasks::as_seen
                                 : worker_roster::between_tasks::able;
        worker_roster& roster = workers_.roster();
        const std::uint64_t taken = lanes_.taken();
        std::uint64_t waiting = 0;
        if (seen.has_tasks) {
            roster.note_busy(seen.now);
            waiting = lanes_.pushed() - taken;
        }
        const elasticity::verdict what = elasticity_.when_saturated(
            {seen.now, taken, roster.hired(), waiting, static_cast<unsigned>(roster.alive())},
            [&](unsigned enough) { return roster.count_able(enough, seen.now, between); });
        next_look_ = elasticity_.next_look();
        to_hire = what.to_hire;
        if (what.is_starving) {
            lack = describe_starvation(roster, lanes_, elasticity_.stuck_since(), seen.now);
        }
    }
    while (to_hire > 0 && workers_.hire_extra()) {
        --to_hire;
    }
    report_starvation(std::move(lack), owner_, sinks_);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
