// SPDX-License-Identifier: MIT
#pragma once

// Runs what a worker has taken, and counts what became of it. worker_loop.hpp has one.

#include "../platform/abi.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/task.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class lane_set;
class pending_limit;
class shutdown_participant;
struct executor_parts;
struct worker;

/// Has no state of its own, and serves all workers of a pool at once: what one has taken, and what
/// has been counted, is in the `worker`.
///
/// Invariants  RUNNER-1  A task is counted once, by who ends it or by who has written it off, also
///                       where it ends its thread by force.
///             RUNNER-2  Its place among the pending is given back before it runs, but for what
///                       repeats: that has one until it is not to be run again.
class task_runner {
public:
    task_runner(lane_set& lanes, pending_limit& limit, shutdown_participant& owner,
                executor_parts& parts) noexcept;
    task_runner(const task_runner&) = delete;
    task_runner& operator=(const task_runner&) = delete;

    /// Runs the task that `self` has begun, and those that it has taken with it and may go on with.
    void run(worker& self);

private:
    task_node* run_slots(worker& self);
    void run_node(worker& self, task_ptr task);
    void count(worker& self, bool ends_here, fate result);
    void end_written_off();

    lane_set& lanes_;
    pending_limit& limit_;
    shutdown_participant& owner_;
    executor_parts& parts_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
