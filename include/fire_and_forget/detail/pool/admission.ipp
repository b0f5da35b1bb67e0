// SPDX-License-Identifier: MIT
#pragma once

#include "admission.hpp"

#include "../executor/executor_parts.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "../task/run_task.hpp"
#include "../task/task.hpp"
#include "pool_door.hpp"
#include "pool_extras.hpp"
#include "task_taker.hpp"

#include <cstddef>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE entry admission::enter(priority level, refusal& why) {
    if (!parts_.end.is_open_here()) {
        why = parts_.end.why_not_open();
        return entry::refuse;
    }
    parts_.end.begin_use();
    if (limit_.exists() && !limit_.try_enter()) {
        return extras_->make_room(*this, level, why);
    }
    return entry::store;
}

FIRE_AND_FORGET_ENGINE entry admission::enter_begun(refusal& why) {
    if (!parts_.end.is_open_here()) {
        why = parts_.end.why_not_open();
        return entry::refuse;
    }
    parts_.end.begin_use();
    enter_anyway();
    return entry::store;
}

FIRE_AND_FORGET_ENGINE void admission::enter_anyway() noexcept {
    if (limit_.exists()) {
        limit_.enter_anyway();
    }
}

FIRE_AND_FORGET_ENGINE void admission::leave() {
    if (limit_.exists()) {
        limit_.leave();
    }
}

FIRE_AND_FORGET_ENGINE entry admission::make_room(priority level, refusal& why) {
    why = refusal::invalid_options; // when it is a number that is none of these
    switch (options_.when_full) {
    case overflow::drop_oldest:
        why = displace(level) ? refusal::none : refusal::queue_full;
        break;
    case overflow::wait:
        why = wait_for_room();
        break;
    case overflow::run_in_caller:
        if (constexpr std::size_t most_nested = 8; depth_of(&parts_.lent) < most_nested) {
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

FIRE_AND_FORGET_ENGINE refusal admission::wait_for_room() {
    // It would wait for itself; for a call that a handler of a signal has interrupted, or whose
    // callable fires while it is copied: that may have the place which is waited for.
    if (parts_.end.runs_this_thread() || calls_to_store(lanes_) > 1) {
        return refusal::queue_full;
    }
    lanes_.bell.call_napper(); // what is waited for may wait for the end of a nap
    const bool has_room = limit_.wait_enter(deadline_after(options_.full_wait),
                                            [this] { return !parts_.end.is_open_here(); });
    return has_room                    ? refusal::none
           : parts_.end.is_open_here() ? refusal::queue_full
                                       : refusal::shutting_down;
}

/// Has a task give its place to another one, of those with the lowest priority, if that is not
/// above `level`: the one that waits for a worker longest, or else the one whose time comes last.
/// False if there is none.
FIRE_AND_FORGET_ENGINE bool admission::displace(priority level) {
    for (bool may_find = true; may_find;) {
        may_find = false;
        for (std::size_t from = priorities; from-- > static_cast<std::size_t>(level);) {
            pool_lane* const lane = lane_of_oldest(from);
            may_find = may_find || lane != nullptr;
            if ((lane != nullptr && try_displace(*lane)) ||
                parts_.delayed.displace_latest(static_cast<priority>(from))) {
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
FIRE_AND_FORGET_ENGINE pool_lane* admission::lane_of_oldest(std::size_t level) const noexcept {
    pool_lane* found = nullptr;
    steady_time oldest = never;
    for (pool_lane* lane = lanes_.first(level); lane != nullptr; lane = lane->next) {
        lane->look_at_first([&](const slot& first) {
            const task_node* const node = node_in(first);
            if (node != nullptr && !node->has_begun && node->due < oldest) {
                oldest = node->due;
                found = lane;
            }
        });
    }
    return found;
}

FIRE_AND_FORGET_ENGINE bool admission::try_displace(pool_lane& lane) {
    dropping_taker taker(displaced_, displaced_);
    const auto can_be_dropped = [](const slot& first) { // not a coroutine that goes on
        const task_node* const node = node_in(first);
        return node != nullptr && !node->has_begun;
    };
    if (!lane.take_if(taker, can_be_dropped)) {
        return false;
    }
    task_ptr task(node_in(taker.taken()));
    {
        const inside_library giving_memory_back;
        taker.finish_slot();
        taker.flush();
    }
    drop_task(std::move(task), parts_.lent, failure::displaced, "the queue was full");
    return true;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
