// SPDX-License-Identifier: MIT
#pragma once

// Calls at executors of somebody else's, which take jobs. fire.hpp leads here.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/task.hpp"
#include "firing.hpp"
#include "job.hpp"
#include "untyped_call.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Fires at one. What `keep` makes of that, for a call whose result is to be awaited, takes the job
/// in its stead.
submission fire_at_foreign(const untyped_call& call, function_ref<refusal(job)> execute,
                           function_ref<std::shared_ptr<foreign_executor>()> keep);

/// Hands a task to one.
refusal hand_over_to(function_ref<refusal(job)> execute, task_ptr task, const firing& call);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
