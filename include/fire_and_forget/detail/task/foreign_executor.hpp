// SPDX-License-Identifier: MIT
#pragma once

// An executor of somebody else's, as a coroutine keeps hold of it that was fired there and is to
// stay there. kept_executor.hpp makes one of what the front door was given.

#include "../../options.hpp"
#include "../platform/abi.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class task_node;
struct task_discarder;
using task_ptr = std::unique_ptr<task_node, task_discarder>;

/// Shared, for it must outlive each of its own calls: what it takes may end on another thread, and
/// with it the coroutine, before the call returns.
class foreign_executor {
public:
    /// `always_later`: whether it is known to run nothing inside of take().
    explicit foreign_executor(bool always_later) noexcept : runs_later(always_later) {}
    foreign_executor(const foreign_executor&) = delete;
    foreign_executor& operator=(const foreign_executor&) = delete;
    virtual ~foreign_executor() = default;

    /// Hands it a task to run; what it answers, if it does. Throws what it throws.
    virtual refusal take(task_ptr task) = 0;

    const bool runs_later;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
