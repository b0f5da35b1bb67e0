// SPDX-License-Identifier: MIT
#pragma once

// What task_run.hpp brings together: a task, wherever it is stored, and the executor that runs it.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/time.hpp"
#include "scheduler.hpp"
#include "task.hpp"

#include <atomic>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What an executor lends the tasks it runs.
struct host {
    std::atomic<const error_sink*> sink{nullptr}; ///< its own sink, if any
    stop_token stop{};                            ///< asks its tasks to stop
    scheduler* home = nullptr; ///< null for executors of somebody else's, who have no time

    steady_time now() const noexcept { return home != nullptr ? home->now() : steady_clock::now(); }
};

/// The host of jobs that run on an executor of somebody else's.
inline constinit one_per_process<host> host_of_foreign;
const host& foreign_host() noexcept;

/// A task as it is known while it runs, wherever it is stored.
struct stored_task {
    const task_vtable* type;
    void* closure;
    call_site where;
    const char* name = nullptr;
    task_details* details = nullptr;
    steady_time due{}; ///< when it could have started; the clock's zero if it is not timed
    faf::priority priority = faf::priority::normal;
};

stored_task task_in(task_node& node) noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
