// SPDX-License-Identifier: MIT
#pragma once

// What happens when as many tasks wait in a pool as may: back-pressure. pool_intake.hpp asks before
// it stores a task.

#include "../../options.hpp"
#include "../executor/running_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "../task/run_task.hpp"
#include "../task/task.hpp"
#include "pool_workers.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariant  C3  In a pool with a limit a task has its place from before it is stored until a worker
///                takes it or it is given up; one that repeats has it until it ends. A displaced task
///                leaves its place to the new one.
class pool_overflow : public pool_workers {
public:
    /// How to go on with a task that enter() was asked about.
    enum class entry : std::uint8_t { store, run_here, refuse };

    /// Makes room for a task, or says why there is none.
    entry enter(priority level, refusal& why) {
        if (!is_open_here()) {
            why = why_not_open();
            return entry::refuse;
        }
        begin_use();
        if (limit_.exists() && !limit_.try_enter()) {
            return make_room(level, why);
        }
        return entry::store;
    }

    /// The task of enter() has not come about after all.
    void leave() {
        if (limit_.exists()) {
            limit_.leave();
        }
    }

    /// Whether a task may be taken out again after it was stored: then it has to be on the heap.
    bool may_displace() const noexcept {
        return limit_.exists() && options_.when_full == overflow::drop_oldest;
    }

protected:
    using pool_workers::pool_workers;

    /// Gives tasks up, and counts that while the lane is locked: whoever comes to an empty lane
    /// then knows.
    struct giving_up : task_taker {
        giving_up(pool_overflow& in, std::atomic<std::uint64_t>& tasks) noexcept
            : pool(in), count(tasks) {}
        void take(slot& from, pool_block& in) noexcept {
            task_taker::take(from, in);
            const bool is_counted = coroutine_in(from) == nullptr; // else by who has accepted it
            (is_counted ? count : pool.given_up_open_)
                .fetch_add(1, std::memory_order_release); // C1
        }
        pool_overflow& pool;
        std::atomic<std::uint64_t>& count;
    };

    /// For a coroutine that goes on, which must not be refused.
    void enter_anyway() noexcept {
        if (limit_.exists()) {
            limit_.enter_anyway();
        }
    }

    void note_given_up() noexcept override { leave(); }

    /// Runs `task` on the calling thread, before the call that fired it returns.
    refusal run_here(task_ptr& task) {
        if (task->is_delayed || task->repeats()) {
            return refusal::queue_full; // that one can't be run now
        }
        running_tasks::entry run(task->where, task->name);
        {
            const library_lock lock(mutex_);
            if (!is_open_here()) {
                return refusal::shutting_down;
            }
            callers_.link(run);
        }
        entered_by_callers_.fetch_add(1, std::memory_order_relaxed);
        keep(); // the task may end it
        fate result = fate::failed;
        const scope_guard at_the_end([&] {
            if (!is_in_its_process()) {
                return; // the task has forked, and its caller goes on in the child
            }
            {
                const library_lock lock(mutex_);
                if (callers_.unlink(run)) {
                    ended_by_callers_.add(result);
                } else {
                    note_written_off_end();
                }
                quiet_.notify_all();
            }
            release();
        });
        const running_entry_item item(mutex_, run, &lent());
        result = run_task(std::move(task), lent());
        return refusal::none;
    }

    std::atomic<std::uint64_t> given_up_{0};      ///< tasks that were taken out of lanes at the end
    std::atomic<std::uint64_t> given_up_open_{0}; ///< the same, coroutines that were to go on
    std::atomic<std::uint64_t> displaced_{0};
    running_tasks callers_; ///< who run their tasks themselves; under mutex_
    task_counts ended_by_callers_;
    std::atomic<std::uint64_t> entered_by_callers_{0};

private:
    [[gnu::noinline]] entry make_room(priority level, refusal& why) {
        why = refusal::invalid_options; // when it is a number that is none of these
        switch (options_.when_full) {
        case overflow::drop_oldest:
            why = displace(level) ? refusal::none : refusal::queue_full;
            break;
        case overflow::wait:
            why = wait_for_room();
            break;
        case overflow::run_in_caller:
            if (constexpr std::size_t most_nested = 8; depth_of(&lent()) < most_nested) {
                why = refusal::none;
                return entry::run_here;
            }
            why = refusal::queue_full; // or the stack would overflow
            break;
        case overflow::refuse:
            why = refusal::queue_full;
            break;
        }
        return why == refusal::none ? entry::store : entry::refuse;
    }

    refusal wait_for_room() {
        if (runs_this_thread()) {
            return refusal::queue_full; // it would wait for itself
        }
        const bool has_room = limit_.wait_enter(deadline_after(options_.full_wait),
                                                [this] { return !is_open_here(); });
        return has_room         ? refusal::none
               : is_open_here() ? refusal::queue_full
                                : refusal::shutting_down;
    }

    /// Has a task give its place to another one, of those with the lowest priority, if that is not
    /// above `level`: the one that waits for a worker longest, or else the one whose time comes last.
    /// False if there is none.
    bool displace(priority level) {
        for (bool may_find = true; may_find;) {
            may_find = false;
            for (std::size_t from = priorities; from-- > static_cast<std::size_t>(level);) {
                pool_lane* const lane = lane_of_oldest(from);
                may_find = may_find || lane != nullptr;
                if ((lane != nullptr && try_displace(*lane)) ||
                    displace_delayed(static_cast<priority>(from))) {
                    return true;
                }
            }
            if (limit_.try_enter()) { // what was seen has been taken by a worker
                return true;
            }
        }
        return false;
    }

    /// Where the task stands that waits longest; null if none may be displaced.
    pool_lane* lane_of_oldest(std::size_t level) const noexcept {
        pool_lane* found = nullptr;
        steady_time oldest = never;
        for (pool_lane* lane = lanes_.first(level); lane != nullptr; lane = lane->next) {
            lane->look_at_first([&](const slot& first) {
                const task_node* const node = task_taker::node_in(first);
                if (node != nullptr && node->due < oldest) {
                    oldest = node->due;
                    found = lane;
                }
            });
        }
        return found;
    }

    bool try_displace(pool_lane& lane) {
        giving_up taker(*this, displaced_);
        const auto can_be_dropped = [](const slot& first) { // not a coroutine that goes on
            return task_taker::node_in(first) != nullptr;
        };
        if (!lane.take_if(taker, can_be_dropped)) {
            return false;
        }
        task_ptr task(task_taker::node_in(taker.taken()));
        taker.finish_slot();
        taker.flush();
        drop_task(std::move(task), lent(), failure::displaced, "the queue was full");
        return true;
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
