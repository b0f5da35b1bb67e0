// SPDX-License-Identifier: MIT
#pragma once

// The tasks of a full pool that the threads that fire them run themselves.

#include "../../options.hpp"
#include "../executor/running_tasks.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../platform/abi.hpp"
#include "task_counts.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct executor_parts;

class caller_runs {
public:
    caller_runs(shutdown_participant& owner, executor_parts& parts) noexcept
        : owner_(owner), parts_(parts) {}
    caller_runs(const caller_runs&) = delete;
    caller_runs& operator=(const caller_runs&) = delete;

    /// Runs `task` on the calling thread, or says why not and leaves it.
    refusal run(task_ptr& task);

    /// Runs one that has been accepted and taken back again. Inside a task of the pool, which keeps
    /// that from being quiet.
    void run_accepted(task_ptr task);

    /// All that were run here so far.
    std::uint64_t entered() const noexcept { return entered_.load(std::memory_order_relaxed); }

    // Under the mutex.

    std::size_t running() const noexcept { return running_.count(); }
    const task_counts& ended() const noexcept { return ended_; }

    /// Gives up those that run, but for those of the calling thread; returns how many.
    std::size_t write_off(abandoned_tasks& abandoned) noexcept;

private:
    void run(task_ptr task, running_tasks::entry& its);

    shutdown_participant& owner_;
    executor_parts& parts_;
    running_tasks running_;
    task_counts ended_;
    std::atomic<std::uint64_t> entered_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
