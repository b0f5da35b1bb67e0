// SPDX-License-Identifier: MIT
#pragma once

// What a signal handler meets that fires a task while its thread is inside the library.

#include "abi.hpp"
#include "thread_state.hpp"

#include <cstdint>
#include <mutex>

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

/// Goes inside if `meant` are at hand; false if they are not. One step for a handler that
/// interrupts this thread: between a look at the lanes and a store to them it could bring another
/// pool's lane to hand. // REENTRY-3
[[gnu::always_inline]] inline bool go_inside_from(lane_set* meant) noexcept {
    bool is_at_hand = false;
#if defined(__x86_64__) && !defined(FIRE_AND_FORGET_HAS_TSAN)
    asm volatile("cmpxchg %[inside], %[at_hand]" // no other thread writes there: no lock
                 : [at_hand] "+m"(this_thread.lanes), [meant] "+a"(meant), "=@ccz"(is_at_hand)
                 : [inside] "r"(no_entry())
                 : "memory");
#else
    is_at_hand = __atomic_compare_exchange_n(&this_thread.lanes, &meant, no_entry(), false,
                                             __ATOMIC_RELAXED, __ATOMIC_RELAXED);
#endif
    keep_order();
    return is_at_hand;
}

/// Goes inside; what was at hand.
inline lane_set* go_inside() noexcept {
    lane_set* before = this_thread.lanes;
    while (!go_inside_from(before)) { // a handler came in between
        before = this_thread.lanes;
    }
    return before;
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
///             REENTRY-3  The lane at hand is one of the lanes at hand whenever its thread is not
///                        inside. So it is read and changed inside only, and who goes inside learns
///                        in the same step what is at hand, and puts that back, or what it has
///                        changed both to. Else tasks would go to one pool and be counted, and
///                        have their places, in another.
///             REENTRY-4  What is the library's own is allocated, and given back, inside, on all
///                        threads that run code of users: malloc has a lock. Workers take the
///                        ticks of a profiler, whose handler may fire.
class inside_library {
public:
    inside_library() noexcept : at_hand(go_inside()) {}
    ~inside_library() {
        keep_order();
        this_thread.lanes = at_hand;
    }
    inside_library(const inside_library&) = delete;
    inside_library& operator=(const inside_library&) = delete;

    lane_set* at_hand; ///< what there was and will be
};

/// For user code that is called from inside: what is at hand at its end is so afterwards.
class outside_library {
public:
    explicit outside_library(inside_library& from) noexcept : from_(from) {
        keep_order();
        this_thread.lanes = from_.at_hand;
    }
    ~outside_library() { from_.at_hand = go_inside(); }
    outside_library(const outside_library&) = delete;
    outside_library& operator=(const outside_library&) = delete;

private:
    inside_library& from_;
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
