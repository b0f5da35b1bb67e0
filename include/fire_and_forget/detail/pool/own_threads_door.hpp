// SPDX-License-Identifier: MIT
#pragma once

// All that a call site sees of own_thread. own_threads.hpp stands behind it.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../task/scheduler.hpp"

#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct own_threads_door {
    /// Gives `task` a thread, now or when it is due, or says why not and leaves it.
    refusal accept(task_ptr& task) const;

    /// Has the turn of a serial executor run as soon as there is a thread, or says why not.
    refusal start_turn(suspended& turn) const;

    /// Where coroutines go on that are to be there.
    scheduler& home() const noexcept;

    void note_refused() const noexcept;
    void set_limit(std::size_t most) const noexcept;
    void set_stack_size(std::size_t bytes) const noexcept;
};
inline constexpr own_threads_door door_of_own_threads{};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
