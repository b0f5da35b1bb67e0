// SPDX-License-Identifier: MIT
#pragma once

// How many tasks may wait in one pool. admission.hpp asks here before it stores one, if the pool
// has a limit at all; a worker that takes one gives its place back.

#include "../platform/abi.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts places and lets callers wait for one.
///
/// Invariant  LIMIT-1  taken_ never exceeds most_ by try_enter(); enter_anyway() may make it.
/// Orderings  LIMIT-2  Who waits enters waiters_ and then looks whether a place is free; who leaves
///                     gives the place back and then reads waiters_. All four are seq_cst, so one
///                     sees the other. A wait looks again every 10 ms all the same: in glibc 2.36 a
///                     condition variable with several waiters may lose a wake-up (bug 25847).
class pending_limit {
public:
    explicit pending_limit(std::size_t most, std::chrono::nanoseconds look_again =
                                                 std::chrono::milliseconds(10)) noexcept
        : most_(most), look_again_(look_again) {}

    bool exists() const noexcept { return most_ > 0; }

    bool try_enter() noexcept;

    /// For what must not be refused.
    void enter_anyway() noexcept { taken_.fetch_add(1, std::memory_order_relaxed); }

    void leave();

    /// Waits for a place until `deadline`; false if there is none by then, or `is_over` holds.
    template <class Predicate>
    bool wait_enter(steady_time deadline, Predicate is_over) {
        waiters_.fetch_add(1); // LIMIT-2
        const scope_guard at_the_end([&] { waiters_.fetch_sub(1); });
        std::unique_lock lock(mutex_);
        while (!try_enter()) {
            if (is_over() || steady_clock::now() >= deadline) {
                return false;
            }
            wait_until(has_room_, lock, earlier_of(deadline, deadline_after(look_again_)));
        }
        return true;
    }

    /// Those that wait look again.
    void wake_all();

private:
    const std::size_t most_;
    const std::chrono::nanoseconds look_again_;
    std::atomic<std::size_t> taken_{0};
    std::atomic<std::uint32_t> waiters_{0};
    std::mutex mutex_;
    std::condition_variable has_room_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
