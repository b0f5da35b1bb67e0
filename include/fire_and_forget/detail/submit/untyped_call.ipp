// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/attempt.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../pool/default_pool.hpp"
#include "../queue/lane_at_hand.hpp"
#include "../queue/thread_lanes.hpp"
#include "../task/run_task.hpp"
#include "diversion.hpp"
#include "firing.hpp"
#include "untyped_call.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Lists are indexed by it.
constexpr bool is_priority(priority level) noexcept {
    return level == priority::high || level == priority::normal || level == priority::low;
}

/// False if there is nothing to call, or it has a priority that there is not; then it has been
/// reported, and `why` is set.
[[gnu::noinline]] FIRE_AND_FORGET_ENGINE bool is_fireable(const untyped_call& fired,
                                                          const firing& call, refusal& why) {
    if (call.given != nullptr && !is_priority(call.given->priority)) {
        why = call.refuse(refusal::invalid_options,
                          "`priority` is none of faf::priority::high, normal and low");
        return false;
    }
    if (fired.how.is_empty == nullptr) {
        return true;
    }
    bool is_empty = false;
    attempt([&] { is_empty = fired.how.is_empty(fired.fn); },
            [&] { why = call.refuse_for_exception(refusal::copy_threw); });
    if (is_empty) {
        why = call.refuse(refusal::empty_callable);
    }
    return why == refusal::none;
}

/// The same; of most calls there is nothing to ask.
FIRE_AND_FORGET_ENGINE bool can_be_fired(const untyped_call& fired, const firing& call,
                                         refusal& why) {
    const bool is_plain = call.given == nullptr && fired.how.is_empty == nullptr;
    return is_plain || is_fireable(fired, call, why);
}

/// Copies the callable and the arguments of a call to `memory`. False if that throws; then it has
/// been reported, and `why` is set.
FIRE_AND_FORGET_ENGINE bool try_construct(const untyped_call& fired, void* memory,
                                          const firing& call, refusal& why) {
    if (fired.how.is_quick) {
        fired.construct(memory);
        return true;
    }
    return attempt([&] { fired.construct(memory); },
                   [&] { why = call.refuse_for_exception(refusal::copy_threw); });
}

/// Adds the options of the call to `made`, or gives it up.
FIRE_AND_FORGET_ENGINE void add_options(task_ptr& made, const firing& call, refusal& why) {
    bool is_done = false;
    if (call.given == nullptr || !call.given->on_error) {
        is_done = add_options(*made, call.given);
    } else {
        attempt([&] { is_done = add_options(*made, call.given); },
                [&] { why = call.refuse_for_exception(refusal::copy_threw); });
    }
    if (!is_done) {
        made.reset();
        if (why == refusal::none) {
            why = call.refuse(refusal::out_of_memory);
        }
    }
}

/// What kind of task it is to be; null if the options ask for one that this can't be. Then that has
/// been reported, and `why` is set.
FIRE_AND_FORGET_ENGINE const task_vtable* type_for(const untyped_call& fired, const firing& call,
                                                   refusal& why) {
    if (call.given != nullptr && call.given->final_run &&
        (call.given->every.count() == 0 || fired.how.is_awaited)) {
        why = call.refuse(refusal::invalid_options,
                          "`final_run` needs `every`, and a callable whose result is not awaited");
        return nullptr;
    }
    if (call.given == nullptr || call.given->every.count() == 0) {
        return fired.how.type;
    }
    if (call.given->every.count() < 0) {
        why = call.refuse(refusal::invalid_options, "`every` is negative");
        return nullptr;
    }
    if (fired.how.repeated_type == nullptr) {
        why = call.refuse(refusal::invalid_options,
                          "`every` needs a callable that can be called more than once, and "
                          "this one uses itself or its arguments up");
    }
    return fired.how.repeated_type;
}

/// Makes a task on the heap, after can_be_fired(). Null if that fails; then it has been reported,
/// and `why` is set.
FIRE_AND_FORGET_ENGINE task_ptr make_task(const untyped_call& fired, const firing& call,
                                          refusal& why) {
    const task_vtable* const type = type_for(fired, call, why);
    if (type == nullptr) {
        return nullptr;
    }
    node_memory memory(task_node::allocate(*type, call.where));
    if (memory == nullptr) {
        why = call.refuse(refusal::out_of_memory);
        return nullptr;
    }
    if (!try_construct(fired, memory->closure(), call, why)) {
        return nullptr;
    }
    task_ptr made(memory.release());
    add_options(made, call, why);
    return made;
}

/// The pool closed while the task was being stored.
FIRE_AND_FORGET_ENGINE submission refuse_recalled(pool_door& pool, pool_lane& lane, slot& place,
                                                  const task_vtable& type) {
    const call_site where = place.where;
    discard({&type, place.closure, where});
    pool.give_up(lane, place);
    pool.note_refused();
    return submission(firing{nullptr, pool.refused_to(), where}.refuse(refusal::shutting_down));
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE submission finish_late(pool_door& pool, lane_set& lanes,
                                                                pool_lane& lane, slot& place,
                                                                const task_vtable& type,
                                                                const call_site where) {
    return pool_door::has_kept_late(lanes, lane, place, where)
               ? submission()
               : refuse_recalled(pool, lane, place, type);
}

/// A place in the pool goes back unused.
FIRE_AND_FORGET_ENGINE submission give_place_back(pool_door& pool, const firing& call,
                                                  refusal why) {
    pool.leave();
    pool.note_refused();
    return submission(call.refuse(why));
}

/// Stores a plain task in a slot, where nothing can go wrong but that there is none.
FIRE_AND_FORGET_ENGINE submission fire_into_slot(pool_door& pool, const untyped_call& fired,
                                                 const firing& call) {
    if (!pool.is_open_here()) {
        return give_place_back(pool, call, pool.why_not_open());
    }
    lane_set& lanes = pool.lanes(); // the pool may be gone once its task has run
    const task_vtable& type = *fired.how.type;
    const auto store = [&](pool_lane& lane, auto& side, slot& place) {
        fired.construct(place.closure);
        place.where = fired.where;
        side.publish(place, type);
        return pool_door::needs_no_more(lanes, lane)
                   ? submission()
                   : finish_late(pool, lanes, lane, place, type, fired.where);
    };
    if (lane_at_hand own(&lanes); own.try_begin()) [[likely]] {
        return store(own.lane(), own, own.reserve());
    }
    const lane_of_this_thread own(lanes, priority::normal);
    pool_lane* const lane = own.get();
    if (lane == nullptr || !lane->has_room()) {
        return give_place_back(pool, call, refusal::out_of_memory);
    }
    return store(*lane, *lane, lane->reserve());
}

FIRE_AND_FORGET_ENGINE submission fire_at_this_pool(pool_door& meant, const untyped_call& fired) {
    pool_door& pool = pool_here(meant);
    if (is_inside_library()) [[unlikely]] {
        pool.note_refused();
        return submission(refusal::in_signal_handler);
    }
    const options* const given = fired.given;
    const firing call = make_firing(given, pool.refused_to(), fired.where);
    refusal why = refusal::none;
    if (!can_be_fired(fired, call, why)) {
        pool.note_refused();
        return submission(why);
    }
    const steady_time called = given != nullptr ? steady_clock::now() : steady_time();
    call_to_store under_way(pool.lanes());
    const entry how = pool.enter(given != nullptr ? given->priority : priority::normal, why);
    if (how == entry::refuse) {
        under_way.end(); // what its sink fires may wait
        pool.note_refused();
        return submission(call.refuse(why));
    }
    if (given == nullptr && how == entry::store && fired.how.fits_slot && !pool.needs_nodes()) {
        return fire_into_slot(pool, fired, call);
    }
    // Until the task has it, its place in a pool with a limit is given back if there is no task,
    // even where a copy constructor ends the thread.
    bool has_place = how == entry::store;
    const scope_guard at_the_end([&] {
        if (has_place) {
            pool.leave();
        }
    });
    task_ptr task = make_task(fired, call, why);
    if (task) {
        has_place = false;
        task->begin_waiting(called);
        why = pool.accept(task, how);
        return submission(why == refusal::none ? why : call.refuse(why));
    }
    pool.note_refused();
    return submission(why);
}

FIRE_AND_FORGET_ENGINE submission fire_at_library(const untyped_call& fired,
                                                  function_ref<refusal(task_ptr&)> accept,
                                                  function_ref<void()> note_refused,
                                                  const refusal_sink& refused_to) {
    refusal why = refusal::in_signal_handler;
    if (!is_inside_library()) [[likely]] {
        why = refusal::none;
        const firing call = make_firing(fired.given, refused_to, fired.where);
        task_ptr task = can_be_fired(fired, call, why) ? make_task(fired, call, why) : nullptr;
        if (task) {
            why = accept(task);
            return submission(why == refusal::none ? why : call.refuse(why));
        }
    }
    note_refused();
    return submission(why);
}

FIRE_AND_FORGET_ENGINE submission fire_at_pool(pool_door& meant, const untyped_call& fired) {
    if (diversion::is_any()) [[unlikely]] {
        if (const diversion::use elsewhere(meant); elsewhere) {
            return elsewhere->fire(fired);
        }
    }
    return fire_at_this_pool(meant, fired);
}

FIRE_AND_FORGET_ENGINE submission fire_at_own_threads(const own_threads_door& meant,
                                                      const untyped_call& fired) {
    if (diversion::is_any()) [[unlikely]] {
        if (const diversion::use elsewhere(meant); elsewhere) {
            return elsewhere->fire(fired);
        }
    }
    return fire_at_library(
        fired, [&](task_ptr& task) { return meant.accept(task); }, [&] { meant.note_refused(); },
        {});
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
