// SPDX-License-Identifier: MIT
#pragma once

// A worker that waits inside a task of its own, for a scope, runs others meanwhile. scheduler.hpp
// says whether the calling thread is one. The pool itself does not know of this, so that a file in
// which nobody waits for a scope does not compile it.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../task/scheduler.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class pool;

/// Runs tasks of a pool inside of one that its worker has begun.
///
/// Order   What the task itself has fired comes first, the newest at first: so recursion stays as
///         deep as it is meant to be, while others begin with the oldest. Only when there is
///         nothing of that any more comes one task of others.
/// Errors  Without memory for a second claim it runs nothing of others.
class helping {
public:
    explicit helping(pool& home) noexcept : home_(home) {}
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

    pool& home_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
