// SPDX-License-Identifier: MIT
#pragma once

// How those are told who wait until an executor has nothing to do. closing.hpp waits; workers and
// delayed_tasks.hpp tell.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The mutex of an executor, and the condition that it may be quiet.
///
/// Invariants  QUIET-1  A thread that waits for quiet has entered itself in waiters_ and passed a
///                      full fence before it looks whether it is quiet. A worker that ends a task
///                      without the mutex passes a full fence before it looks for waiters.
class quiescence {
public:
    quiescence() noexcept = default;
    quiescence(const quiescence&) = delete;
    quiescence& operator=(const quiescence&) = delete;

    std::mutex& mutex() const noexcept { return mutex_; }

    /// For those that end tasks without the mutex, when they may have ended the last.
    void tell() noexcept;

    /// The same under the mutex.
    void notify() noexcept { changed_.notify_all(); }

    /// One piece of a wait, under the mutex.
    void wait(slices& pieces, std::unique_lock<std::mutex>& lock, steady_time deadline) {
        pieces.next(changed_, lock, deadline);
    }

    /// A thread that waits for quiet, as long as it lives.
    class waiter {
    public:
        explicit waiter(quiescence& of) noexcept : of_(of) {
            of_.waiters_.fetch_add(1, std::memory_order_relaxed);
            full_fence(); // QUIET-1
        }
        ~waiter() { of_.waiters_.fetch_sub(1, std::memory_order_relaxed); }
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;

    private:
        quiescence& of_;
    };

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<std::uint32_t> waiters_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
