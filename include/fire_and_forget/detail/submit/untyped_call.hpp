// SPDX-License-Identifier: MIT
#pragma once

// A call of the front door without its types, and how it becomes a task: in a slot of a lane, or on
// the heap. fire.hpp has taken the types away, and has stored by itself what is quick to store.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../pool/own_threads_door.hpp"
#include "../pool/pool_door.hpp"
#include "../queue/lanes.hpp"
#include "../task/closure.hpp"
#include "../task/task.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// It lasts as long as the call: the callable and the arguments are still the caller's.
struct untyped_call {
    const options* given; ///< null for a plain call
    call_site where;
    void* fn;
    const storing_facts& how;

    /// Copies or moves the callable and the arguments to memory. Throws what that throws.
    function_ref<void(void* memory)> construct;
};

/// Fires at a pool, or at own threads, or at what is in their place: see diversion.hpp.
submission fire_at_pool(pool_door& meant, const untyped_call& call);
submission fire_at_own_threads(const own_threads_door& meant, const untyped_call& call);

/// Fires at a pool and no other.
submission fire_at_this_pool(pool_door& meant, const untyped_call& call);

/// Fires at what else the library has: `accept` says why not, and counts that. What is refused is
/// reported to `refused_to` before the global sink.
submission fire_at_library(const untyped_call& call, function_ref<refusal(task_ptr&)> accept,
                           function_ref<void()> note_refused, const refusal_sink& refused_to);

/// What there is to do for a task that is stored in a lane but in the usual case. By value: where
/// the address of a part of it was passed on, the compiler would not see through the callable's
/// type.
submission finish_late(pool_door& pool, lane_set& lanes, pool_lane& lane, slot& place,
                       const task_vtable& type, call_site where);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
