// SPDX-License-Identifier: MIT
#pragma once

// How tasks come into the lanes of a pool, but for those that a call site stores itself
// (pool_door.hpp); and how those come out again that no worker takes.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../queue/lanes.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class abandoned_tasks;
class dropping_taker;
class admission;
class caller_runs;
struct pool_extras;
struct write_offs;
enum class entry : std::uint8_t;
struct executor_parts;

/// Invariants  RECALL-1  A task stored in a closed pool is recalled by who stored it, unless a
///                       worker or whoever closes has taken it. Who closes takes none if all was
///                       quiet before.
class intake {
public:
    /// `extras`: null in a pool without a limit and an observer.
    intake(lane_set& lanes, admission& entrance, caller_runs& callers, executor_parts& parts,
           const pool_extras* extras, task_observer* observer) noexcept
        : lanes_(lanes), admission_(entrance), callers_(callers), parts_(parts), extras_(extras),
          observer_(observer) {}
    intake(const intake&) = delete;
    intake& operator=(const intake&) = delete;

    /// Whether somebody hears of each task, for which that must be on the heap.
    bool is_observed() const noexcept { return observer_ != nullptr; }

    /// Takes a task that admission has let in, or says why not and leaves it.
    refusal accept(task_ptr& task, entry how);

    /// Takes a coroutine that goes on; false if the pool is closed, or without memory.
    bool resume(suspended& one) noexcept;

    /// Stores what has become due; false without memory. Under the timers' lock.
    bool start_due(timer_node& item) noexcept;

    /// Sees to it that workers come for what has become due.
    void announce_due();

    /// Gives the place of a task back that ends without having come in, or come in again.
    void leave();

    /// Gives up a slot whose task was recalled, as the pool has closed.
    void give_up(pool_lane& lane, slot& empty);

    // The end -------------------------------------------------------------------------------------

    /// Whether what stands in the lanes was accepted, or is about to be recalled.
    enum class queued : std::uint8_t { in_time, too_late };

    /// Takes out all that no worker has taken, and sees to it that none does; true if any was
    /// there. What has come too late is left to who has stored it, and waited for.
    bool abandon_queued(abandoned_tasks& abandoned, queued when);

    /// What was given up in lanes or at workers: tasks, and coroutines that were to go on.
    std::uint64_t abandoned() const noexcept { return abandoned_.load(std::memory_order_acquire); }
    std::uint64_t abandoned_open() const noexcept {
        return abandoned_open_.load(std::memory_order_acquire);
    }
    void note_written_off(const write_offs& lost) noexcept;

private:
    refusal store(task_ptr& task);
    void abandon_in(pool_lane& lane, abandoned_tasks& abandoned);
    bool abandon_first_in(pool_lane& lane, abandoned_tasks& abandoned);
    void abandon_in(claim& of, abandoned_tasks& abandoned);
    static void abandon(dropping_taker& by, abandoned_tasks& abandoned);

    lane_set& lanes_;
    admission& admission_;
    caller_runs& callers_;
    executor_parts& parts_;
    const pool_extras* const extras_;
    task_observer* const observer_;      ///< null: nobody
    pool_lane* due_lanes_[priorities]{}; ///< under the timers' lock
    std::atomic<std::uint64_t> abandoned_{0};
    std::atomic<std::uint64_t> abandoned_open_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
