// SPDX-License-Identifier: MIT
#pragma once

// How a coroutine waits for a set of tasks: what task_scope::drained() returns makes this.

#include "../platform/abi.hpp"
#include "../task/task_set.hpp"
#include "chain.hpp"
#include "frame_pool.hpp"
#include "outside_wait.hpp"

#include <coroutine>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Settled when the set is quiet. The set has a part in it as long as it has it to tell.
class drained_event final : public outside_event, public quiet_listener, public from_frame_pool {
public:
    drained_event() noexcept;
};

/// Waits until `set` is quiet.
class drained_wait {
public:
    drained_wait(chain& of, task_set& set, bool is_in_member) noexcept;
    drained_wait(const drained_wait&) = delete;
    drained_wait& operator=(const drained_wait&) = delete;
    ~drained_wait() { end_listening(); }

    /// Throws: std::bad_alloc.
    bool await_ready();

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.rest_at(waiting, &leave, this);
    }

    void await_resume();

private:
    static bool leave(chain& leaving, void* self);
    void end_listening() noexcept;

    chain& of_;
    task_set& set_;
    const bool is_in_member_;
    bool is_elsewhere_ = false;
    drained_event* event_ = nullptr; ///< once it listens
    outside_wait wait_{outside_wait::frames::own};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
