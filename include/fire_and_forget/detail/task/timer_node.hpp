// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What can wait for its time: the base of a task on the heap and of a coroutine that sleeps. Kept
/// small, because a program may have a million of them.
struct timer_node {
    /// When it may start. Of a task that no executor has accepted yet: how long after that, counted
    /// from the clock's zero.
    steady_time due{};

    union {
        timer_node* next = nullptr; ///< in the list it is on, if any
        std::size_t heap_place;     ///< in the heap, of one that is watched
    };
    std::uint32_t number = 0; ///< among equal deadlines the lower one comes first
    faf::priority priority = faf::priority::normal;
    bool is_resumption : 1 = false;  ///< of a coroutine; else it is a task_node
    bool is_timed : 1 = false;       ///< a task whose reports say how long it waited and ran
    bool is_accepted : 1 = false;    ///< a task that some executor has accepted
    bool is_delayed : 1 = false;     ///< the same, for later
    bool is_handed_over : 1 = false; ///< a task on its way to an executor of somebody else's
    bool has_own_sink : 1 = false;   ///< a coroutine whose reports go to a sink of its own first
    bool is_abandoned : 1 = false;   ///< the same, and its end is to be reported there
    bool is_watched : 1 = false;     ///< it may be asked to stop while it waits
    bool is_in_heap : 1 = false;     ///< the same, and has its place there
    bool is_guest : 1 = false;       ///< one that is not counted where it waits to go on
    bool is_brought : 1 = false; ///< a task that the executor below the one it is on has counted
    bool has_begun : 1 = false;  ///< a coroutine or a turn in a task, neither a first call

    /// Of two with the same deadline.
    bool came_before(const timer_node& other) const noexcept {
        return static_cast<std::int32_t>(number - other.number) < 0;
    }

    bool is_before(const timer_node& other) const noexcept {
        return due < other.due || (due == other.due && came_before(other));
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
