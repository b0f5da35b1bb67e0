// SPDX-License-Identifier: MIT
#pragma once

// All that a call site sees of a pool: whether it may store its task in the lane at hand, and whom
// it asks if not. pool.hpp stands behind it.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/module_guard.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class pool;

/// How to go on with a task that a pool was asked about.
enum class entry : std::uint8_t { store, run_here, refuse };

/// Where an executor has its refusals reported, and whether.
struct refusal_sink {
    const error_sink* sink = nullptr; ///< its own
    refusals told = refusals::reported;
};

/// The pool owns it. Whoever has only the lanes of a pool finds it there, unless the pool is gone.
class pool_door {
public:
    pool_door(pool& behind, lane_set& lanes) noexcept
        : behind_(behind), lanes_(lanes), open_lanes_(&lanes) {}
    pool_door(const pool_door&) = delete;
    pool_door& operator=(const pool_door&) = delete;

    /// Makes a pool. To be retired.
    static pool_door& of_new_pool(pool_options settings);

    // What a submit inlines -----------------------------------------------------------------------

    /// The lanes of this pool, if it is open and has no limit; else what is never at hand, and
    /// lane_of_this_thread and is_open_here() know more.
    lane_set* lanes_if_open() const noexcept {
        return static_cast<lane_set*>(open_lanes_.load(std::memory_order_relaxed));
    }

    lane_set& lanes() const noexcept { return lanes_; }

    /// To be called for each task that was stored. False if it was too late: the pool has closed
    /// and the task is the caller's again, who is to destroy it and then give_up() its slot.
    /// Touches no pool unless it must: that may be gone by now.
    static bool has_kept(lane_set& lanes, pool_lane& lane, slot& stored, call_site where,
                         arrival how) {
        return needs_no_more(lanes, lane) || has_kept_late(lanes, lane, stored, where, how);
    }

    /// Its two halves: where the first says no, the second does the rest.
    static bool needs_no_more(const lane_set& lanes, const pool_lane& lane) noexcept {
        asymmetric_barrier::light(); // BELL-1; RECALL-1 and LANES-4 come after it
        return !lanes.bell.is_needed() && !lane.has_notice();
    }
    static bool has_kept_late(lane_set& lanes, pool_lane& lane, slot& stored, call_site where,
                              arrival how = arrival::first);

    // What else a submit asks ---------------------------------------------------------------------

    /// Makes room for a task, or says why there is none.
    entry enter(priority level, refusal& why);

    /// What has entered has not come about after all.
    void leave();

    /// Has the turn of a serial executor run, or says why not. It has its place in any case.
    refusal start_turn(suspended& turn);

    /// Takes `task`, or says why not and leaves it; in the second case after enter().
    refusal accept(task_ptr& task);
    refusal accept(task_ptr& task, entry how);

    bool is_open_here() const noexcept;
    refusal why_not_open() const noexcept;

    /// Whether a task may be taken out again after it was stored: then it has to be on the heap.
    bool needs_nodes() const noexcept;

    /// Gives up a slot whose task was recalled, as the pool has closed.
    void give_up(pool_lane& lane, slot& empty);

    void note_refused() noexcept;
    refusal_sink refused_to() const noexcept;

    // The owner's side ----------------------------------------------------------------------------

    bool is_default() const noexcept;
    bool is_in_its_process() const noexcept;
    scheduler& home() noexcept;
    void begin_use() noexcept;

    bool runs_this_thread() const noexcept;
    std::uint64_t admissions() const;
    std::chrono::nanoseconds exit_timeout() const noexcept;
    stats snapshot() const;
    bool drain_until(steady_time deadline);
    void pause();
    void resume();
    bool is_paused() const noexcept;
    void begin_closing();
    void give_up_late(steady_time deadline);
    bool shutdown_until(steady_time deadline);

    /// The end of the pool's owner, who must not use it any more.
    void retire();

    // The pool's ----------------------------------------------------------------------------------

    /// From now on no task is stored without asking.
    void shut() noexcept { open_lanes_.store(this, std::memory_order_relaxed); }

    /// Sees to it that a worker comes for what was stored.
    static void announce(lane_set& lanes, call_site where);

    // A diversion's -------------------------------------------------------------------------------

    /// The same, for as long as others have its tasks. A pool that is shut stays so.
    void divert() noexcept { exchange(&lanes_, &open_lanes_); }
    void end_diversion() noexcept { exchange(&open_lanes_, &lanes_); }

private:
    friend class pool;

    void exchange(void* expected, void* desired) noexcept {
        open_lanes_.compare_exchange_strong(expected, desired, std::memory_order_relaxed);
    }

    static bool is_recalled(lane_set& lanes, pool_lane& lane, slot& stored, arrival how);
    template <class Action>
    static void with_pool_of(lane_set& lanes, Action act);

    pool& behind_;
    lane_set& lanes_;

    /// The lanes while the pool is open and without a limit, else what is no lanes: so one
    /// comparison tells all.
    std::atomic<void*> open_lanes_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
