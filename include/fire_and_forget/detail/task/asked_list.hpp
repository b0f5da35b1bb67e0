// SPDX-License-Identifier: MIT
#pragma once

// Those that wait for their time in one executor and have been asked to stop. timer_queue.hpp takes
// them out of where they wait; the stop_watch of a task puts them here.

#include "../platform/abi.hpp"
#include "timer_node.hpp"
#include "watched.hpp"

#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  ASKED-1  Only what is armed is on the list, and disarming takes it off. So what has
///                      been disarmed and handed out is on no list, and whoever asks it then leaves
///                      it alone.
/// Cost        A mutex that is held for a few steps: asking is part of somebody's request_stop(),
///             and taking one out must find it gone or be the first, which would be an own protocol
///             without a mutex.
class asked_list {
public:
    /// From now on it may be asked.
    void arm(watched& one) noexcept;

    void disarm(watched& one) noexcept;

    /// False if it is not armed, or on the list already.
    bool ask(watched& one) noexcept;

    /// Disarms the first that is in the heap; null if there is none. The others have been asked
    /// before they got there, and stay.
    timer_node* take_from_heap() noexcept;

private:
    static void take_off(watched& one) noexcept;

    /// A ring: of those on the list, and this one.
    struct ring : watched {
        timer_node unused;
        ring() noexcept : watched(unused) { next = previous = this; }
    };

    std::mutex mutex_;
    ring ends_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
