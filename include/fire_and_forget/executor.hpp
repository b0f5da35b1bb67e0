// SPDX-License-Identifier: MIT
#pragma once

// What runs tasks, seen from outside: faf::job, the closure that is handed over, and the concept
// faf::executor, both of which stand in detail/submit/job.hpp; and the simplest executor of all.
// thread_pool.hpp and own_thread.hpp are the others.

#include "detail/platform/abi.hpp"
#include "detail/submit/job.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Runs each task at once, on the calling thread, before fire_and_forget returns. For tests, and
/// where a decision between background and foreground is made at run time.
///
///     fire_and_forget(faf::inline_executor(), refresh, key);
///
/// Errors: go to the sink, as everywhere; none reaches the caller.
/// Thread safety: may be fired at by any thread.
struct inline_executor {
    /// Runs the task.
    void execute(job work) const { work(); }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
