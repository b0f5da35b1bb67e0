// SPDX-License-Identifier: MIT
#pragma once

// A suspended coroutine in the shape of a task, for those who run or take tasks.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "closure.hpp"
#include "host.hpp"
#include "scheduler.hpp"
#include "task.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A suspended coroutine as the closure of a task: called, it resumes; else it is destroyed.
struct resumption {
    suspended* one;
    bool is_job = false; ///< whoever runs it counts that as a task, which ends with this stretch

    /// It stays where it is while that runs.
    stored_task task() noexcept;

    static void call(void* self, task_run& run);
    static void destroy(void* self);
};
inline constexpr task_vtable resumption_type{&resumption::call, &resumption::destroy,
                                             sizeof(resumption), alignof(resumption)};

/// Makes a task of a coroutine, for those who take tasks. Null without memory.
task_ptr pack(suspended& one) noexcept;

/// The same for one that goes on by way of an executor of somebody else's, which may hand it to any
/// other: nobody refuses or replaces it as a task that has not begun.
task_ptr pack_to_go_on(suspended& one) noexcept;

/// Takes the coroutine out again.
void unpack(task_ptr& packed) noexcept;

/// Starts a coroutine as a task of `core`, which counts it and may refuse it. Then it is untouched.
template <class Core>
refusal start_as_task(Core& core, suspended& one) {
    task_ptr packed = pack(one);
    if (packed == nullptr) {
        core.note_refused();
        return refusal::out_of_memory;
    }
    const refusal why = core.accept(packed);
    if (why != refusal::none) {
        unpack(packed);
    }
    return why;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
