// SPDX-License-Identifier: MIT
#pragma once

// What a pool does only where its options ask for it, by pointers, so that a file which fires at
// the default pool as it is does not compile it. Who makes a pool with options, or configures the
// default pool, hands them over; admission, intake and thread_hooks of that pool call them.

#include "../../literal.hpp"
#include "../../options.hpp"
#include "../../worker_info.hpp"
#include "../platform/abi.hpp"
#include "../task/scheduler.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class admission;
class caller_runs;
class thread_hooks;
enum class entry : std::uint8_t;

struct pool_extras {
    /// For max_pending: as many wait as may.
    entry (*make_room)(admission& of, priority level, refusal& why);

    /// For overflow::run_in_caller.
    refusal (*run_in_caller)(caller_runs& of, task_ptr& task);

    /// For an observer: that hears of a task which is being fired.
    void (*observe)(task_node& task, task_observer& by);

    /// For on_thread_start and on_thread_stop.
    void (*call_hook)(thread_hooks& of, const thread_hook& hook, literal name,
                      const worker_info& whose);
};

const pool_extras& all_pool_extras() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
