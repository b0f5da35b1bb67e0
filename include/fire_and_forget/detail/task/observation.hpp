// SPDX-License-Identifier: MIT
#pragma once

// A task of a pool that has an observer. task_run.hpp tells of its runs.

#include "../../observer.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class task_node;
struct stored_task;

/// Who hears of one task, and what it has been told to give along. Shared by the task and a
/// coroutine that it has started. What an observer throws is reported, and nothing else.
class observation {
public:
    observation(task_observer& by, steady_time fired) noexcept : by_(by), fired_(fired) {}
    ~observation();
    observation(const observation&) = delete;
    observation& operator=(const observation&) = delete;

    /// False if the observer has thrown: then it hears no more of the task.
    bool fire(const stored_task& task);
    void begin(const stored_task& task);
    void end(const stored_task& task, run_result result);

private:
    observed_task describe(const stored_task& task) const noexcept;

    task_observer& by_;
    void* context_ = nullptr;
    bool is_heard_of_ = false;
    steady_time fired_;
};

/// Has `by` hear of a task that is being fired; one for which there is no memory is not heard of.
void observe(task_node& task, task_observer& by);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
