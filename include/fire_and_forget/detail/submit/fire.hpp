// SPDX-License-Identifier: MIT
#pragma once

// From the front door to an executor: a pool's lane, or a job for whatever else takes jobs. What is
// quick stands here, in full; the rest loses its types on the way to untyped_call.hpp.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../pool/own_threads_door.hpp"
#include "../pool/pool_door.hpp"
#include "../queue/lane_at_hand.hpp"
#include "../task/task.hpp"
#include "call.hpp"
#include "foreign_call.hpp"
#include "job.hpp"
#include "kept_executor.hpp"
#include "located.hpp"
#include "untyped_call.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What stands behind an executor of the library. Tasks may wait there for their time.
template <class E>
concept takes_tasks = requires(E& core, task_ptr& task) {
    { core.accept(task) } -> std::same_as<refusal>;
};

/// The same of an executor whose type is known at run time only.
template <class E>
concept takes_calls = requires(E& core, const untyped_call& call) {
    { core.fire(call) } -> std::same_as<submission>;
};

/// Where an executor of the library has its refusals reported.
template <class E>
refusal_sink refusal_sink_of(E& core) noexcept {
    if constexpr (requires { core.refused_to(); }) {
        return core.refused_to();
    } else {
        return {};
    }
}

/// Whether a call at an executor answers with a handle of the task (../../cancellable.hpp).
template <class E>
inline constexpr bool answers_with_handle = false;

template <class E>
concept answers_plainly = executor<E> && !answers_with_handle<std::remove_cvref_t<E>>;

template <class E>
concept no_pool = !std::same_as<std::remove_cvref_t<E>, pool_door>;

/// At whatever else there is.
template <no_pool E, class... Args>
submission fire(E&& target, const options* given, const located<std::type_identity_t<Args>...>& fn,
                Args&&... args) {
    const auto construct = [&](void* memory) { fn.construct(memory, std::forward<Args>(args)...); };
    const untyped_call call{given, fn.where, fn.fn, fn.how->facts, construct};
    if constexpr (takes_calls<std::remove_reference_t<E>>) {
        return target.fire(call);
    } else if constexpr (std::same_as<std::remove_cvref_t<E>, own_threads_door>) {
        return fire_at_own_threads(target, call);
    } else if constexpr (takes_tasks<std::remove_reference_t<E>>) {
        return fire_at_library(
            call, [&](task_ptr& task) { return target.accept(task); },
            [&] {
                if constexpr (requires { target.note_refused(); }) {
                    target.note_refused();
                }
            },
            refusal_sink_of(target));
    } else {
        return fire_at_foreign(
            call, [&](job work) { return call_with_job(target, std::move(work)); },
            [&] { return keep_executor(std::forward<E>(target)); });
    }
}

/// Where something has to be looked into: a first task of its thread, one with options, a large
/// one, one whose copy may throw, a closed pool or one with a limit.
template <class... Args>
[[gnu::noinline]] submission fire_with_care(pool_door& pool, const options* given, call_site where,
                                            void* callable, const storing<Args...>& how,
                                            Args&&... args) {
    const auto construct = [&](void* memory) {
        how.construct(callable, memory, std::forward<Args>(args)...);
    };
    return fire_at_pool(pool, {given, where, callable, how.facts, construct});
}

/// At a pool: what is quick to store goes into a slot without further ado.
template <class... Args>
[[gnu::always_inline]] inline submission fire(pool_door& pool, const options* given,
                                              const located<std::type_identity_t<Args>...>& fn,
                                              Args&&... args) {
    if (given == nullptr && fn.how->facts.is_quick) [[likely]] {
        lane_at_hand own(pool.lanes_if_open());
        if (own.try_begin()) [[likely]] {
            slot& place = own.reserve();
            fn.construct(place.closure, std::forward<Args>(args)...);
            place.where = fn.where;
            own.publish(place, *fn.how->facts.type);
            // The pool may be gone once its task has run.
            return pool_door::needs_no_more(own.of(), own.lane())
                       ? submission()
                       : finish_late(pool, own.of(), own.lane(), place, *fn.how->facts.type,
                                     fn.where);
        }
    }
    return fire_with_care<Args...>(pool, given, fn.where, fn.fn, *fn.how,
                                   std::forward<Args>(args)...);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
