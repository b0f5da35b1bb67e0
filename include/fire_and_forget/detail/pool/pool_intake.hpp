// SPDX-License-Identifier: MIT
#pragma once

// How tasks come into a pool: where submits and timers store them. The front door comes here; from
// here they go by way of a lane to a worker (pool_workers.hpp).

#include "../../options.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/thread_state.hpp"
#include "../queue/lanes.hpp"
#include "../queue/thread_lanes.hpp"
#include "../task/task.hpp"
#include "pool_overflow.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  E1-E4 of executor_core, P1-P4 of its bases, and
///             C2  A task stored in a closed pool is recalled by who stored it, unless a worker or
///                 whoever closes has taken it. Who closes takes none if all was quiet before.
class pool_intake : public pool_overflow {
public:
    /// Whether `at_hand` are the lanes of this pool, and it is open and has no limit. If not,
    /// lane_of_this_thread and is_open_here() know more.
    bool has_at_hand(const lane_set* at_hand) const noexcept {
        return at_hand == open_lanes_.load(std::memory_order_relaxed);
    }

    void begin_closing() override {
        open_lanes_.store(this, std::memory_order_relaxed);
        executor_core::begin_closing();
    }

    lane_set& lanes() noexcept { return lanes_; }

    /// To be called for each task that was stored. False if it was too late: the pool has closed
    /// and the task is the caller's again, who is to destroy it and then give_up() its slot.
    /// Touches no pool unless it must: that may be gone by now.
    static bool has_kept(lane_set& lanes, pool_lane& lane, slot& stored, call_site where,
                         arrival how = arrival::first) {
        return needs_no_more(lanes) || has_kept_late(lanes, lane, stored, where, how);
    }

    /// Its two halves: where the first says no, the second does the rest.
    static bool needs_no_more(const lane_set& lanes) noexcept {
        asymmetric_barrier::light(); // O1 of the doorbell; C2 comes after it
        return !lanes.bell.is_needed() && !lanes.is_closed();
    }
    static bool has_kept_late(lane_set& lanes, pool_lane& lane, slot& stored, call_site where,
                              arrival how = arrival::first) {
        announce(lanes, where);
        return !lanes.is_closed() || !is_recalled(lanes, lane, stored, how);
    }

    /// Gives up a slot whose task was recalled, as the pool has closed.
    [[gnu::noinline]] void give_up(pool_lane& lane, slot& empty) {
        if (lane.unreserve(empty)) {
            return;
        }
        sink_time for_sinks(steady_clock::now());
        abandoned_tasks abandoned(lent(), for_sinks);
        abandon_in(lane, abandoned);
        tell_waiters();
    }

    /// Where workers wake each other, one must be awake before the first submit.
    void begin_napping() {
        if (has_napper()) {
            begin_use();
            ring({});
        }
    }

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task) {
        refusal why = refusal::none;
        const entry how = enter(task->priority, why);
        if (how == entry::refuse) {
            note_refused();
            return why;
        }
        return accept(task, how);
    }

    /// The same after enter().
    refusal accept(task_ptr& task, entry how) {
        task->begin_waiting(now());
        refusal why = refusal::shutting_down;
        if (how == entry::run_here) {
            why = run_here(task);
        } else {
            if (task->is_delayed) {
                why = delay(task);
            } else if (is_open_here()) {
                why = store(task);
            }
            if (why != refusal::none) {
                leave();
            }
        }
        if (why != refusal::none) {
            note_refused();
        }
        return why;
    }

    refusal start_coroutine(suspended& one) override { return start_as_task(*this, one); }

    bool resume_soon(suspended& one) noexcept override {
        if (is_closed()) {
            return false;
        }
        begin_use();
        const lane_of_this_thread own(lanes_, one.priority);
        pool_lane* const lane = own.get();
        if (lane == nullptr || !lane->has_room()) {
            return false;
        }
        slot& place = lane->reserve();
        const call_site where = one.where; // it may be gone once it is stored, and the pool as well
        lane_set& lanes = lanes_;
        enter_anyway();
        put(one, place);
        lane->publish(place, resumption_type, arrival::again);
        if (has_kept(lanes, *lane, place, where, arrival::again)) {
            return true;
        }
        give_up(*lane, place);
        return false;
    }

protected:
    pool_intake(pool_options settings, lane_set& lanes)
        : pool_overflow(std::move(settings), lanes) {
        if (limit_.exists()) {
            open_lanes_.store(this, std::memory_order_relaxed);
        }
    }

    void abandon_in(pool_lane& lane, abandoned_tasks& abandoned) {
        giving_up taker(*this, given_up_);
        while (lane.take(taker)) {
            abandon(taker, abandoned);
        }
        taker.flush();
    }

    static void abandon(task_taker& taker, abandoned_tasks& abandoned) {
        slot& taken = taker.taken();
        if (task_node* const node = task_taker::node_in(taken)) {
            abandoned.add_queued(task_ptr(node));
        } else {
            abandoned.add_queued(task_in(taken));
        }
        taker.finish_slot();
    }

private:
    /// The pointer in a slot owns the node until a worker takes it out.
    static void put(task_node& node, slot& place) noexcept {
        ::new (static_cast<void*>(place.closure)) task_node*(&node);
        place.where = node.where;
    }

    static void put(suspended& one, slot& place) noexcept {
        ::new (static_cast<void*>(place.closure)) resumption{&one};
        place.where = one.where;
    }

    refusal store(task_ptr& task) {
        const lane_of_this_thread own(lanes_, task->priority);
        pool_lane* const lane = own.get();
        if (lane == nullptr || !lane->has_room()) {
            return refusal::out_of_memory;
        }
        if (may_displace() && !task->is_timed) {
            task->due = now(); // displace() compares
        }
        slot& place = lane->reserve();
        task_node* const node = task.get();
        const call_site where = node->where;
        lane_set& lanes = lanes_; // the pool may be gone once its task has run
        put(*node, place);
        lane->publish(place, in_node);
        static_cast<void>(task.release()); // from now on it may run
        if (has_kept(lanes, *lane, place, where)) {
            return refusal::none;
        }
        task.reset(node);
        give_up(*lane, place);
        return refusal::shutting_down;
    }

    /// Sees to it that a worker comes for what was stored.
    static void announce(lane_set& lanes, call_site where) {
        asymmetric_barrier::light(); // O1 of the doorbell
        if (lanes.bell.is_needed()) [[unlikely]] {
            with_pool_of(lanes, [&](pool_intake& pool) { pool.ring(where); });
        }
    }

    [[gnu::noinline]] static bool is_recalled(lane_set& lanes, pool_lane& lane, slot& stored,
                                              arrival how) {
        const bool is_back = lane.try_recall(stored, how);
        with_pool_of(lanes, [](pool_intake& pool) { pool.tell_waiters(); });
        return is_back;
    }

    /// Does something with the pool, unless it is gone.
    template <class Action>
    [[gnu::noinline]] static void with_pool_of(lane_set& lanes, Action act) {
        if (auto* const pool = static_cast<pool_intake*>(lanes.keep_pool())) {
            act(*pool);
            pool->release();
        }
    }

    // Timers --------------------------------------------------------------------------------------

    bool start_due(timed& item) noexcept override {
        pool_lane*& lane = due_lanes_[static_cast<std::size_t>(item.priority)];
        if (lane == nullptr) {
            lane = lanes_.lend_to_timers(item.priority);
        }
        if (lane == nullptr || !lane->has_room()) {
            return false;
        }
        slot& place = lane->reserve();
        if (item.is_resumption) {
            enter_anyway();
            put(static_cast<suspended&>(item), place);
            lane->publish(place, resumption_type, arrival::again);
        } else {
            put(static_cast<task_node&>(item), place);
            lane->publish(place, in_node);
        }
        return true;
    }

    void after_starting() override { announce(lanes_, {}); }

    /// The lanes while the pool is open and without a limit, else what is no lanes: so one comparison
    /// tells all.
    std::atomic<const void*> open_lanes_{&lanes_};
    pool_lane* due_lanes_[priorities]{}; ///< under the timers' lock
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
