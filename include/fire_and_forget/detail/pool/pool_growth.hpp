// SPDX-License-Identifier: MIT
#pragma once

// Sees to it that a pool has workers enough: the keeper's visits, in which it hires for those that are
// blocked and has those leave that are too many. elasticity.hpp is the policy.

#include "../../options.hpp"
#include "../executor/keeper.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "elasticity.hpp"
#include "pool_staff.hpp"
#include "progress_watch.hpp"
#include "starvation.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Limits  A worker that leaves as one too many does not count as asleep: a task that is stored in
///         that moment, while all others are kept, waits for the next visit.
class pool_growth : public pool_staff {
protected:
    pool_growth(pool_options settings, lane_set& lanes)
        : pool_staff(std::move(settings), lanes),
          elasticity_(size_, most_, patience(options_, most_)) {}

    /// Whether the caller, who has found nothing to do, is one too many and is to leave.
    bool is_to_leave() noexcept {
        std::uint32_t leaving = leaving_.load(std::memory_order_relaxed);
        while (leaving > 0 &&
               !leaving_.compare_exchange_weak(leaving, leaving - 1, std::memory_order_relaxed)) {
        }
        return leaving > 0;
    }

private:
    visit look_after(steady_time now) override {
        visit result{serve_timers(now)};
        const std::uint32_t sleepers = bell_.sleepers();
        const bool has_tasks = lanes_.may_have_tasks();
        const std::uint32_t extra = extra_.load(std::memory_order_relaxed);
        result.is_active =
            has_tasks || extra > 0 || sleepers < size_ || bell_.is_ringing() || has_stragglers();
        if (result.is_active && next_tick_ <= now) {
            next_tick_ = later(now, keeper::tick);
            see_to_progress(now, sleepers, has_tasks, extra);
        }
        if (result.is_active) {
            result.next = earlier_of(result.next, next_tick_);
        }
        return result;
    }

    /// Whether a worker sleeps that is to end.
    bool has_stragglers() const noexcept {
        return is_dismissed_.load(std::memory_order_relaxed) &&
               bell_.sleepers() > vacancies_.load(std::memory_order_relaxed);
    }

    /// Progress is what counts: whoever looks or was rung for is relied on only while tasks are taken.
    void see_to_progress(steady_time now, std::uint32_t sleepers, bool has_tasks,
                         std::uint32_t extra) {
        const bool is_ringing = bell_.is_ringing();
        const unsigned stuck = progress_.note(lanes_.taken(), has_tasks || is_ringing);
        if (has_stragglers()) {
            bell_.call_all();
        }
        if (stuck >= progress_watch::too_long && sleepers > 0) {
            call_instead(now, stuck, has_tasks);
        } else if (!has_tasks || (bell_.has_looker() && stuck < progress_watch::too_long)) {
            let_leave(now, sleepers, extra);
        } else if (sleepers > 0) { // those who are awake have no time for what is there
            call_or_hire({}, ring_of::somebody_else);
        } else {
            make_up_for_blocked(now, stuck);
        }
    }

    /// Nothing gets on though somebody sleeps: a call was lost, or who looks or was called has been
    /// stopped. So others are called, and if that is no use hired.
    void call_instead(steady_time now, unsigned stuck, bool has_tasks) {
        if (has_tasks && !lanes_.has_task_at_hand()) {
            return; // a worker has been stopped with the lock of a lane: what is there can't be had
        }
        bell_.call_all();
        const bool is_no_use = stuck > progress_watch::too_long;
        if (!has_tasks) {
            if (is_no_use && !has_napper()) {
                bell_.give_up_ring(); // what it was for has been done meanwhile
            }
        } else if (is_no_use && vacancies_.load(std::memory_order_relaxed) > 0) {
            hire_usual();
        } else if (is_no_use) {
            make_up_for_blocked(now, stuck);
        }
    }

    void hire_usual() {
        std::unique_lock lock(mutex_, std::defer_lock);
        if (try_lock_soon(lock)) {
            report(hire(lock, {}));
        }
    }

    /// In a pool that never has more than one thread it is usual that tasks wait for another, so nobody
    /// is told unless he has asked for it.
    static std::chrono::nanoseconds patience(const pool_options& asked,
                                             std::uint32_t most) noexcept {
        const bool is_asked_for = asked.starvation_after != pool_options{}.starvation_after;
        return most > 1 || is_asked_for ? std::chrono::nanoseconds(asked.starvation_after)
                                        : std::chrono::nanoseconds(0);
    }

    void let_leave(steady_time now, std::uint32_t sleepers, std::uint32_t extra) {
        const std::uint32_t vacant = vacancies_.load(std::memory_order_relaxed);
        const std::uint32_t idle = sleepers > vacant ? sleepers - vacant : 0;
        const std::uint32_t leaving = elasticity_.when_at_ease(now, idle, extra);
        if (leaving > 0) {
            leaving_.store(leaving, std::memory_order_relaxed); // what was not heeded is forgotten
            bell_.call_all();
        }
    }

    void make_up_for_blocked(steady_time now, unsigned stuck) {
        std::unique_ptr<const starvation> lack;
        unsigned to_hire = 0;
        {
            std::unique_lock lock(mutex_, std::defer_lock);
            if (!try_lock_soon(lock)) {
                return; // the keeper waits for nobody
            }
            if (vacancies_.load(std::memory_order_relaxed) > 0) {
                return; // meanwhile a worker has left: its place comes first
            }
            const auto idle = stuck >= progress_watch::far_too_long
                                  ? worker_roster::without_task::unable
                                  : worker_roster::without_task::able;
            workers_.note_busy(now);
            const std::uint64_t taken = lanes_.taken();
            const elasticity::verdict what = elasticity_.when_saturated(
                {now, taken, workers_.hired(), lanes_.pushed() - taken,
                 static_cast<unsigned>(workers_.alive())},
                [&](unsigned enough) { return workers_.count_able(enough, now, idle); });
            to_hire = what.to_hire;
            if (what.is_starving) {
                lack = describe_starvation(workers_, lanes_, elasticity_.stuck_since(), now);
            }
        }
        while (to_hire > 0 && hire_extra()) {
            --to_hire;
        }
        report_starvation(std::move(lack), *this);
    }

    bool hire_extra() {
        thread_trouble trouble;
        worker* recruit = nullptr;
        {
            std::unique_lock lock(mutex_, std::defer_lock);
            if (try_lock_soon(lock)) {
                recruit = enroll(hired_as::extra, {}, trouble);
            }
        }
        if (recruit != nullptr) {
            trouble = start(*recruit, {});
        }
        report(trouble);
        return recruit != nullptr && !trouble;
    }

    std::atomic<std::uint32_t> leaving_{0}; ///< as many are to leave when they find nothing to do

    // The keeper's.
    progress_watch progress_;
    elasticity elasticity_;
    steady_time next_tick_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
