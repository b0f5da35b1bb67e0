// SPDX-License-Identifier: MIT
#pragma once

// Sees to it that a pool has workers enough: the keeper's visits, in which it hires for those that are
// blocked and has those leave that are too many. elasticity.hpp is the policy.

#include "../options.hpp"
#include "abi.hpp"
#include "elasticity.hpp"
#include "keeper.hpp"
#include "lanes.hpp"
#include "pool_staff.hpp"
#include "starvation.hpp"
#include "thread_start.hpp"
#include "time.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Limits  A worker that leaves as one too many does not count as asleep: a task that is stored in
///         that moment, while all others are kept, waits for the next visit.
class pool_growth : public pool_staff {
protected:
    pool_growth(pool_options settings, lane_set& lanes)
        : pool_staff(std::move(settings), lanes),
          elasticity_(size_, most_, options_.starvation_after) {}

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
        const bool has_looker = bell_.has_looker();
        const bool has_tasks = lanes_.may_have_tasks();
        const std::uint32_t extra = extra_.load(std::memory_order_relaxed);
        const std::uint32_t at_rest = sleepers + (has_napper() && has_looker ? 1 : 0);
        result.is_active = has_tasks || extra > 0 || at_rest < size_;
        if (result.is_active && next_tick_ <= now) {
            next_tick_ = later(now, keeper::tick);
            if (!has_tasks || has_looker) {
                let_leave(now, sleepers, extra);
            } else if (sleepers > 0) { // those who are awake have no time for what is there
                call_or_hire({});
            } else {
                make_up_for_blocked(now);
            }
        }
        if (result.is_active) {
            result.next = earlier_of(result.next, next_tick_);
        }
        return result;
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

    void make_up_for_blocked(steady_time now) {
        thread_trouble trouble;
        starvation lack;
        {
            const std::lock_guard lock(mutex_);
            if (vacancies_.load(std::memory_order_relaxed) > 0) {
                return; // meanwhile a worker has left: its place comes first
            }
            workers_.note_busy(now);
            const std::uint64_t taken = lanes_.taken();
            const elasticity::verdict what = elasticity_.when_saturated(
                {now, taken, workers_.hired(), lanes_.pushed() - taken,
                 static_cast<unsigned>(workers_.alive())},
                [this](unsigned enough) { return workers_.count_able(enough); });
            for (unsigned i = 0; i < what.to_hire && !trouble; ++i) {
                if (!try_start(hired_as::extra, {}, trouble)) {
                    break;
                }
                extra_.fetch_add(1, std::memory_order_relaxed); // P4
            }
            if (what.is_starving) {
                lack.describe(workers_, lanes_, elasticity_.stuck_since(), now);
            }
        }
        trouble.report("it waits for one", nullptr);
        lack.report_elsewhere(*this);
    }

    std::atomic<std::uint32_t> leaving_{0}; ///< as many are to leave when they find nothing to do

    // The keeper's.
    elasticity elasticity_;
    steady_time next_tick_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
