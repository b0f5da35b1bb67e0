// SPDX-License-Identifier: MIT
#pragma once

// From the front door to an executor: a pool's lane, or a job for whatever else takes jobs.

#include "../../options.hpp"
#include "../../own_thread.hpp"
#include "../../thread_pool.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../pool/default_pool.hpp"
#include "../pool/own_threads_door.hpp"
#include "../pool/pool_door.hpp"
#include "../queue/lanes.hpp"
#include "../queue/thread_lanes.hpp"
#include "../task/run_task.hpp"
#include "job.hpp"
#include "located.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What stands behind an executor of the library. Tasks may wait there for their time.
template <class E>
concept takes_tasks = requires(E& core, task_ptr& task) {
    { core.accept(task) } -> std::same_as<refusal>;
};

/// Hands `task` to any executor.
template <class E>
refusal hand_to(E& target, task_ptr task, const firing& call) {
    if (task->due != steady_time() || task->repeats()) {
        return call.refuse(refusal::invalid_options, "this executor has no timers");
    }
    task->begin_waiting(steady_clock::now());
    const hand_over frame;
    task->number = frame.number();
    task->is_handed_over = true;
    refusal answer = refusal::none;
    refusal reported = refusal::none;
    attempt(
        [&] {
            job work = job_access::make(std::move(task));
            if constexpr (!has_execute<E>) {
                target(std::move(work));
            } else if constexpr (std::same_as<decltype(target.execute(job())), submission>) {
                answer = target.execute(std::move(work)).why();
            } else {
                target.execute(std::move(work));
            }
        },
        [&] {
            if (frame.is_dropped()) {
                reported = call.refuse_for_exception(refusal::executor_failed);
            } else { // it has run or will run, whatever the executor threw afterwards
                call.tell_exception();
            }
        });
    if (!frame.is_dropped() || reported != refusal::none) {
        return reported;
    }
    return call.refuse(answer != refusal::none ? answer : refusal::executor_failed);
}

/// One of the library knows its own reasons, and counts.
template <takes_tasks Core>
refusal hand_to(Core& core, task_ptr task, const firing& call) {
    const refusal why = core.accept(task);
    return why == refusal::none ? why : call.refuse(why);
}

/// The pool closed while the task was being stored.
[[gnu::noinline]] inline submission refuse_recalled(pool_door& pool, pool_lane& lane, slot& place,
                                                    const task_type& type) {
    const call_site where = place.where;
    discard({type, place.closure, where});
    pool.give_up(lane, place);
    pool.note_refused();
    return submission(firing{nullptr, pool.sink(), where}.refuse(refusal::shutting_down));
}

/// What there is to do for a stored task but in the usual case.
[[gnu::noinline]] inline submission finish_late(pool_door& pool, lane_set& lanes, pool_lane& lane,
                                                slot& place, const task_type& type,
                                                const call_site where) {
    return pool_door::has_kept_late(lanes, lane, place, where)
               ? submission()
               : refuse_recalled(pool, lane, place, type);
}

/// Stores a plain task in a slot, where nothing can go wrong but that there is none.
template <class... Args>
submission fire_into_slot(pool_door& pool, const located<Args...>& fn, const firing& call,
                          Args&&... args) {
    lane_set& lanes = pool.lanes(); // the pool may be gone once its task has run
    const lane_of_this_thread own(lanes, priority::normal);
    pool_lane* const lane = own.get();
    const refusal why = !pool.is_open_here()                   ? pool.why_not_open()
                        : lane == nullptr || !lane->has_room() ? refusal::out_of_memory
                                                               : refusal::none;
    if (why != refusal::none) {
        pool.leave();
        pool.note_refused();
        return submission(call.refuse(why));
    }
    slot& place = lane->reserve();
    fn.construct(place.closure, std::forward<Args>(args)...);
    place.where = fn.where;
    lane->publish(place, *fn.how->type);
    return pool_door::needs_no_more(lanes)
               ? submission()
               : finish_late(pool, lanes, *lane, place, *fn.how->type, fn.where);
}

/// Fires at a pool where something has to be looked into: a first task of its thread, one with
/// options, a large one, one whose copy may throw, a closed pool or one with a limit.
template <class... Args>
[[gnu::noinline]] submission fire_with_care(pool_door& meant, const options* given, call_site where,
                                            void* callable, const storing<Args...>* how,
                                            Args&&... args) {
    pool_door& pool = pool_here(meant);
    if (is_inside_library()) [[unlikely]] {
        pool.note_refused();
        return submission(refusal::in_signal_handler);
    }
    const located<Args...> fn(where, callable, how);
    const firing call = make_firing(given, pool.sink(), fn.where);
    refusal why = refusal::none;
    if (!can_be_fired(fn, call, why)) {
        pool.note_refused();
        return submission(why);
    }
    const steady_time called = given != nullptr ? steady_clock::now() : steady_time();
    const entry how_to = pool.enter(given != nullptr ? given->priority : priority::normal, why);
    if (how_to == entry::refuse) {
        pool.note_refused();
        return submission(call.refuse(why));
    }
    if (given == nullptr && how_to == entry::store && fn.how->fits_slot && !pool.may_displace()) {
        return fire_into_slot<Args...>(pool, fn, call, std::forward<Args>(args)...);
    }
    // Until the task has it, its place in a pool with a limit is given back if there is no task, even
    // where a copy constructor ends the thread.
    bool has_place = how_to == entry::store;
    const scope_guard at_the_end([&] {
        if (has_place) {
            pool.leave();
        }
    });
    task_ptr task = make_task(fn, call, why, std::forward<Args>(args)...);
    if (task) {
        has_place = false;
        task->begin_waiting(called);
        why = pool.accept(task, how_to);
        return submission(why == refusal::none ? why : call.refuse(why));
    }
    pool.note_refused();
    return submission(why);
}

template <class E>
concept has_core = requires(E& executor) {
    { core_access::of(executor) } -> std::convertible_to<scheduler&>;
};

// What stands behind an executor: for those of the library their core, else the executor itself.

inline pool_door& core_of(thread_pool& pool) noexcept {
    return pool_access::door(pool);
}
inline const own_threads_door& core_of(const own_thread_t&) noexcept {
    return door_of_own_threads;
}
template <class E>
auto& core_of(E& other) noexcept {
    if constexpr (has_core<E>) {
        return core_access::of(other);
    } else {
        return other;
    }
}

template <class E>
concept without_lanes = !std::same_as<E, pool_door>;

/// Every call ends up here or in the next one.
template <without_lanes E, class... Args>
submission fire(E& target, const options* given, const located<std::type_identity_t<Args>...>& fn,
                Args&&... args) {
    if (is_inside_library()) [[unlikely]] {
        if constexpr (std::same_as<E, const own_threads_door>) {
            target.note_refused();
        }
        return submission(refusal::in_signal_handler);
    }
    const firing call = make_firing(given, nullptr, fn.where);
    refusal why = refusal::none;
    task_ptr task;
    if (can_be_fired(fn, call, why)) {
        task = make_task(fn, call, why, std::forward<Args>(args)...);
    }
    if (task) {
        return submission(detail::hand_to(target, std::move(task), call));
    }
    if constexpr (std::same_as<E, const own_threads_door>) {
        target.note_refused();
    }
    return submission(why);
}

/// The thread's lane is at hand again.
inline void leave_library(pool_lane& lane, lane_set& lanes) noexcept {
    keep_order();
    this_thread.lane = &lane; // R1: it may be another one's
    keep_order();
    this_thread.lanes = &lanes;
}

/// In a lane that may be the thread's own, where a handler of a signal could store one meanwhile.
[[gnu::always_inline]] inline void publish(pool_lane& lane, slot& stored, const task_type& type) {
    if constexpr (counts_in_one_step) {
        lane.publish(stored, type);
    } else {
        const inside_library counting; // R2
        lane.publish(stored, type);
    }
}

/// At a pool: what is quick to store goes into a slot without further ado.
template <class... Args>
[[gnu::always_inline]] inline submission fire(pool_door& pool, const options* given,
                                              const located<std::type_identity_t<Args>...>& fn,
                                              Args&&... args) {
    if (given == nullptr && fn.how->is_quick) [[likely]] {
        pool_lane* const lane = this_thread.lane;
        keep_order(); // R1: as they belong together
        lane_set* const lanes = this_thread.lanes;
        if (pool.has_at_hand(lanes)) [[likely]] {
            this_thread.lanes = no_entry();
            keep_order();
            if (lane->has_room()) [[likely]] {
                slot& place = lane->reserve(); // R2
                leave_library(*lane, *lanes);
                fn.construct(place.closure, std::forward<Args>(args)...);
                place.where = fn.where;
                publish(*lane, place, *fn.how->type);
                // The pool may be gone once its task has run.
                return pool_door::needs_no_more(*lanes)
                           ? submission()
                           : finish_late(pool, *lanes, *lane, place, *fn.how->type, fn.where);
            }
            leave_library(*lane, *lanes);
        }
    }
    return fire_with_care<Args...>(pool, given, fn.where, fn.fn, fn.how,
                                   std::forward<Args>(args)...);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
