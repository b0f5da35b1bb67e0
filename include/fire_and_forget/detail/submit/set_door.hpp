// SPDX-License-Identifier: MIT
#pragma once

// What an executor is asked whose tasks belong to a set, by those that stand on it and keep their
// tasks: any_core.hpp leads there.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/stop_token.hpp"
#include "../task/task.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What executors know of a set that stand on one whose tasks belong to it.
class set_door {
public:
    /// Has `task`, which somebody else keeps and runs, belong to it; or says why not, and counts
    /// that. What is never taken then is to be withdrawn, and is what it was.
    virtual refusal enroll(task_ptr& task) = 0;
    virtual void withdraw(task_ptr& task) noexcept = 0;

    /// Asked to stop with the set.
    virtual stop_token token() const noexcept = 0;

protected:
    ~set_door() = default;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
