// SPDX-License-Identifier: MIT
#pragma once

#include "pool_extras.hpp"

#include "../task/observation.hpp"
#include "admission.hpp"
#include "caller_runs.hpp"
#include "thread_hooks.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Not in a function's static: see FIRE_AND_FORGET_ENGINE.
inline constexpr pool_extras extras_of_pools{
    [](admission& of, priority level, refusal& why) { return of.make_room(level, why); },
    [](caller_runs& of, task_ptr& task) { return of.run(task); },
    observe,
    [](thread_hooks& of, const thread_hook& hook, literal name, const worker_info& whose) {
        of.run(hook, name, whose);
    },
};

[[gnu::cold]] FIRE_AND_FORGET_ENGINE const pool_extras& all_pool_extras() noexcept {
    return extras_of_pools;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
