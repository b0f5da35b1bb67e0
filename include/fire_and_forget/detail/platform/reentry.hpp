// SPDX-License-Identifier: MIT
#pragma once

// What a signal handler meets that fires a task while its thread is inside the library.

#include "abi.hpp"
#include "thread_state.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What thread_state::lanes is while its thread is inside the library. No pool's lanes are there,
/// so the quick way of a submit needs no further test.
inline lane_set* no_entry() noexcept {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): only compared
    return reinterpret_cast<lane_set*>(std::uintptr_t{1});
}

inline bool is_inside_library() noexcept {
    return this_thread.lanes == no_entry();
}

/// The stores before it come before those after it for a handler that interrupts this thread. No
/// instruction.
inline void keep_order() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// While it lives, what a signal handler fires on this thread is refused: a lock is held that the
/// call might need, or the thread's lanes are being changed. No user code may run meanwhile, whose
/// calls would be refused as well.
///
/// Invariants  REENTRY-1  A call that comes in between two steps of another one on its thread runs
///                        to its end there. So what the outer one has read before it is inside may
///                        be old, but for what only the calls of its own pool change.
///             REENTRY-2  What calls change that come in between is changed inside, or in one
///                        instruction: next_ and end_ of a lane, the thread's list of lanes,
///                        pushed_. A slot is reserved inside and filled outside: a call in between
///                        takes the next one.
class inside_library {
public:
    inside_library() noexcept : at_hand(std::exchange(this_thread.lanes, no_entry())) {
        keep_order();
    }
    ~inside_library() {
        keep_order();
        this_thread.lanes = at_hand;
    }
    inside_library(const inside_library&) = delete;
    inside_library& operator=(const inside_library&) = delete;

    lane_set* at_hand; ///< what there was and will be
};

/// For user code that is called from inside.
class outside_library {
public:
    outside_library() noexcept : before_(std::exchange(this_thread.lanes, nullptr)) {}
    ~outside_library() { this_thread.lanes = before_; }
    outside_library(const outside_library&) = delete;
    outside_library& operator=(const outside_library&) = delete;

private:
    lane_set* const before_;
};

/// Who holds a lock of the library is inside.
class library_lock {
public:
    explicit library_lock(std::mutex& mutex) noexcept : held_(mutex) {}

private:
    const inside_library inside_;
    const std::lock_guard<std::mutex> held_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
