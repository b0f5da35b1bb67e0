// SPDX-License-Identifier: MIT
#pragma once

#include "intake.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../executor/executor_parts.hpp"
#include "../queue/thread_lanes.hpp"
#include "../task/resumption.hpp"
#include "admission.hpp"
#include "pool_door.hpp"
#include "pool_extras.hpp"
#include "task_taker.hpp"

#include <cstddef>
#include <new>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The pointer in a slot owns the node until a worker takes it out.
inline void put(task_node& node, slot& place) noexcept {
    ::new (static_cast<void*>(place.closure)) task_node*(&node);
    place.where = node.where;
}

inline void put(suspended& one, slot& place) noexcept {
    ::new (static_cast<void*>(place.closure)) resumption{&one};
    place.where = one.where;
}

FIRE_AND_FORGET_ENGINE refusal intake::accept(task_ptr& task, entry how) {
    if (!task->is_accepted) { // else it has come by way of another executor
        task->begin_waiting(steady_clock::now());
    }
    if (is_observed() && task->type != &resumption_type) {
        extras_->observe(*task, *observer_);
    }
    if (how == entry::run_here) {
        return extras_->run_in_caller(callers_, task);
    }
    refusal why = refusal::shutting_down;
    if (task->is_delayed) {
        why = parts_.delayed.delay(task);
    } else if (parts_.end.is_open_here()) {
        why = store(task);
    }
    if (why != refusal::none) {
        admission_.leave();
    }
    return why;
}

FIRE_AND_FORGET_ENGINE refusal intake::store(task_ptr& task) {
    const lane_of_this_thread own(lanes_, task->priority);
    pool_lane* const lane = own.get();
    if (lane == nullptr || !lane->has_room()) {
        return refusal::out_of_memory;
    }
    if (admission_.may_displace() && !task->is_timed) {
        task->due = steady_clock::now(); // who displaces compares
    }
    slot& place = lane->reserve();
    task_node* const node = task.get();
    const call_site where = node->where;
    lane_set& lanes = lanes_; // the pool may be gone once its task has run
    put(*node, place);
    lane->publish(place, in_node);
    static_cast<void>(task.release()); // from now on it may run
    if (pool_door::has_kept(lanes, *lane, place, where, arrival::first)) {
        return refusal::none;
    }
    task.reset(node);
    give_up(*lane, place);
    return refusal::shutting_down;
}

FIRE_AND_FORGET_ENGINE bool intake::resume(suspended& one) noexcept {
    if (parts_.end.is_closed()) {
        return false;
    }
    parts_.end.begin_use();
    // In turn: what yields lets others go first.
    const lane_of_this_thread own(lanes_, one.priority, lane_of_this_thread::where::in_turn);
    pool_lane* const lane = own.get();
    if (lane == nullptr || !lane->has_room()) {
        return false;
    }
    slot& place = lane->reserve();
    const call_site where = one.where; // it may be gone once it is stored, and the pool as well
    lane_set& lanes = lanes_;
    admission_.enter_anyway();
    put(one, place);
    lane->publish(place, resumption_type, arrival::again);
    if (pool_door::has_kept(lanes, *lane, place, where, arrival::again)) {
        return true;
    }
    give_up(*lane, place);
    return false;
}

FIRE_AND_FORGET_ENGINE bool intake::start_due(timer_node& item) noexcept {
    pool_lane*& lane = due_lanes_[static_cast<std::size_t>(item.priority)];
    if (lane == nullptr) {
        lane = lanes_.lend_to_timers(item.priority);
    }
    if (lane == nullptr || !lane->has_room()) {
        return false;
    }
    slot& place = lane->reserve();
    if (item.is_resumption) {
        admission_.enter_anyway();
        put(static_cast<suspended&>(item), place);
        lane->publish(place, resumption_type, arrival::again);
    } else {
        put(static_cast<task_node&>(item), place);
        lane->publish(place, in_node);
    }
    return true;
}

FIRE_AND_FORGET_ENGINE void intake::announce_due() {
    pool_door::announce(lanes_, {});
    lanes_.bell.call_napper();
}

FIRE_AND_FORGET_ENGINE void intake::leave() {
    admission_.leave();
}

FIRE_AND_FORGET_ENGINE void intake::give_up(pool_lane& lane, slot& empty) {
    if (lane.unreserve(empty)) {
        return;
    }
    sink_time for_sinks(steady_clock::now());
    abandoned_tasks abandoned(parts_.lent, for_sinks);
    abandon_in(lane, abandoned);
    parts_.quiet.tell();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool intake::abandon_queued(abandoned_tasks& abandoned,
                                                                 queued when) {
    const auto give_up_next = [&] {
        return when == queued::in_time && lanes_.find([&](pool_lane& lane) {
            return abandon_first_in(lane, abandoned);
        }) != nullptr;
    };
    const abandonment under_way(give_up_next);
    lanes_.end(); // TAKER-2
    bool has_hidden = false;
    lanes_.find([&](pool_lane& lane) { // takes each lock: TAKER-1, TAKER-2
        const auto give_up = [&] {
            if (when == queued::too_late) {
                lane.look_at_first([](const slot&) {}); // RECALL-1
            } else {
                abandon_in(lane, abandoned);
            }
        };
        give_up();
        // What is left is about to be recalled, or stands behind a task that is being copied.
        bool has_more = lane.seems_used();
        while (has_more && abandoned.has_time_to_wait()) {
            std::this_thread::yield();
            give_up();
            has_more = lane.seems_used();
        }
        has_hidden = has_hidden || has_more;
        return false;
    });
    if (when == queued::in_time) {
        lanes_.find_claim([&](claim& one) {
            abandon_in(one, abandoned);
            return false;
        });
    }
    return has_hidden || abandoned_.load(std::memory_order_relaxed) > 0;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void intake::abandon_in(pool_lane& lane,
                                                             abandoned_tasks& abandoned) {
    give_up_all([&] { return abandon_first_in(lane, abandoned); });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool intake::abandon_first_in(pool_lane& lane,
                                                                   abandoned_tasks& abandoned) {
    dropping_taker taker(abandoned_, abandoned_open_);
    const bool is_any = lane.take(taker);
    if (is_any) {
        abandon(taker, abandoned);
    }
    return is_any;
}

/// What a worker has claimed and not begun. // TAKER-1
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void intake::abandon_in(claim& of,
                                                             abandoned_tasks& abandoned) {
    of.lock();
    const slot_run left = of.withdraw();
    of.unlock();
    slot* next = left.first;
    give_up_all([&] {
        const bool is_any = next != left.first + left.count;
        if (is_any) {
            dropping_taker taker(abandoned_, abandoned_open_);
            static_cast<void>(taker.take(*next++, *left.in, 1));
            abandon(taker, abandoned);
        }
        return is_any;
    });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void intake::abandon(dropping_taker& by,
                                                          abandoned_tasks& abandoned) {
    if (task_node* const node = node_in(by.taken())) {
        abandoned.add_queued(task_ptr(node));
    } else {
        abandoned.add_queued(task_in(by.taken()));
    }
    by.finish_slot();
    by.flush();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
intake::note_written_off(const write_offs& lost) noexcept {
    abandoned_.fetch_add(lost.tasks, std::memory_order_release);
    abandoned_open_.fetch_add(lost.passing, std::memory_order_release);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
