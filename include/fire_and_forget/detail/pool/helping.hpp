// SPDX-License-Identifier: MIT
#pragma once

// A worker that waits inside a task of its own runs others meanwhile. pool.hpp offers it to who
// waits for a scope; worker_loop.hpp runs what is found.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../task/scheduler.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class caller_runs;
class lane_set;
class pending_limit;
class worker_loop;
class workforce;
struct executor_parts;
class shutdown_participant;

/// Runs tasks of a pool inside of one that its worker has begun.
///
/// Order   What the task itself has fired comes first, the newest at first: so recursion stays as
///         deep as it is meant to be, while others begin with the oldest. Only when there is
///         nothing of that any more comes one task of others.
/// Errors  Without memory for a second claim it runs nothing of others.
class helping {
public:
    helping(lane_set& lanes, worker_loop& loop, workforce& workers, caller_runs& callers,
            pending_limit& limit, shutdown_participant& owner, executor_parts& parts) noexcept
        : lanes_(lanes), loop_(loop), workers_(workers), callers_(callers), limit_(limit),
          owner_(owner), parts_(parts) {}
    helping(const helping&) = delete;
    helping& operator=(const helping&) = delete;

    /// To be called by a worker of the pool inside a task of it, in the process of the pool.
    /// Returns when `is_over` holds after a task of its own, there is nothing to do, or one task of
    /// others has run: then the caller asks again.
    helped help(reach how_far, function_ref<bool()> is_over);

private:
    class guest;

    bool run_newest();
    bool run_one_of_others();

    lane_set& lanes_;
    worker_loop& loop_;
    workforce& workers_;
    caller_runs& callers_;
    pending_limit& limit_;
    shutdown_participant& owner_;
    executor_parts& parts_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
