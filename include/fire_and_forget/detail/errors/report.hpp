// SPDX-License-Identifier: MIT
#pragma once

// Carries a report to the first sink that takes it: the task's, the pool's, the global one,
// standard error. Reached from task_run.hpp when a task fails and from the front door when one is
// refused.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "describe.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Tells the first of the sinks from `next` to `end` and the global one that takes the report, else
/// standard error.
/// One that throws is itself reported, to those after it: the row only gets shorter, so this ends.
void tell(const error_sink* const* next, const error_sink* const* end, const error_report& report);

/// Reports to the task's own sink, the pool's, the global one and standard error, in this order;
/// the first two may be null. What a sink itself gives cause to report while it runs goes straight
/// to standard error: a sink that fails can't call itself again. No lock is held while a sink runs.
void report(const error_report& what_happened, const error_sink* of_task,
            const error_sink* of_pool);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
