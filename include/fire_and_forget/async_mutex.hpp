// SPDX-License-Identifier: MIT
#pragma once

// Mutual exclusion for coroutines: who has to wait holds no thread. detail/coroutine/permits.hpp is
// the inside.

#include "coroutine.hpp"
#include "detail/coroutine/permits.hpp"
#include "detail/coroutine/wait_queue.hpp"
#include "detail/platform/abi.hpp"

#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

class async_mutex;

/// Keeps an async_mutex locked, until it ends or unlock() is called. Empty, or of one mutex.
class [[nodiscard]] async_lock {
public:
    /// Empty.
    async_lock() noexcept = default;

    /// Takes the place of the other, which is empty afterwards.
    async_lock(async_lock&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}

    /// Unlocks what it holds, and takes the place of the other, which is empty afterwards.
    async_lock& operator=(async_lock&& other) noexcept {
        if (this != &other) {
            unlock();
            held_ = std::exchange(other.held_, nullptr);
        }
        return *this;
    }

    /// Unlocks it.
    ~async_lock() { unlock(); }

    /// Unlocks it, and is empty then. Who has waited longest has it next: he goes on where he was.
    /// Any thread may do that.
    void unlock() noexcept {
        if (detail::permits* const before = std::exchange(held_, nullptr)) {
            before->give_back();
        }
    }

    /// Whether it has one locked.
    bool owns_lock() const noexcept { return held_ != nullptr; }

    /// As owns_lock().
    explicit operator bool() const noexcept { return owns_lock(); }

private:
    friend async_mutex;
    explicit async_lock(detail::permits* taken) noexcept : held_(taken) {}

    detail::permits* held_ = nullptr;
};

/// A mutex for coroutines. The lock belongs to the coroutine, not to a thread: it may be held
/// across a co_await, and be unlocked on another thread than it was locked on.
///
///     faf::async_mutex mutex;
///     faf::task<> append(std::string line) {
///         const auto lock = co_await mutex.scoped_lock();
///         co_await write(file, line);
///     }
///
/// Order: they have it in the order in which they came; nobody overtakes those who wait.
/// Errors: a wait is ended by task_cancelled when the task is asked to stop or its executor shuts
/// down, as a sleep is. Who has got the lock by then, has it.
/// Thread safety: any thread may call anything, but for signal handlers. A thread waits with
/// `faf::sync_wait(mutex.scoped_lock())`.
/// Lifetime: it must outlive those who wait and the locks.
/// Cost: 32 bytes, no allocation; a lock that does not wait, two read-modify-writes. One who has to
/// wait costs a turn of his executor.
class async_mutex {
    class lock_wait : public detail::queue_wait<detail::permits> {
    public:
        using queue_wait::queue_wait;
        /// For the compiler, as all awaiters have it.
        async_lock await_resume() { return async_lock(take()); }
    };

public:
    /// Nobody has it.
    async_mutex() noexcept = default;
    async_mutex(const async_mutex&) = delete;
    async_mutex& operator=(const async_mutex&) = delete;

    /// `co_await mutex.scoped_lock()`: an async_lock, when it is this one's turn.
    ///
    /// Throws: task_cancelled.
    detail::wait_maker<lock_wait, detail::permits&> scoped_lock() noexcept { return {permits_}; }

    /// The same from ordinary code: an async_lock that is empty if somebody else has it locked.
    async_lock try_scoped_lock() noexcept {
        return async_lock(permits_.try_take() ? &permits_ : nullptr);
    }

    /// Not for std::lock_guard and its like, which would block a thread: this does not compile.
    template <class Mutex = async_mutex>
    void lock() {
        static_assert(!std::is_same_v<Mutex, async_mutex>,
                      "fire_and_forget: an async_mutex is locked by a coroutine: const auto lock = "
                      "co_await mutex.scoped_lock()");
    }

    /// There for the same reason.
    template <class Mutex = async_mutex>
    void unlock() {
        lock<Mutex>();
    }

private:
    detail::permits permits_{1};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/permits.ipp"
#include "detail/coroutine/wait_queue.ipp"
#endif
