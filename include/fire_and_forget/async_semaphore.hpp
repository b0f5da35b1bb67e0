// SPDX-License-Identifier: MIT
#pragma once

// Limits how many coroutines do something at a time: who has to wait holds no thread.
// detail/coroutine/permits.hpp is the inside.

#include "coroutine.hpp"
#include "detail/coroutine/permits.hpp"
#include "detail/coroutine/wait_queue.hpp"
#include "detail/platform/abi.hpp"

#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// A number of permits, for which coroutines wait.
///
///     faf::async_semaphore connections(10);
///     faf::task<> ask(std::string host) {
///         co_await connections.acquire();
///         co_await talk_to(host);
///         connections.release();
///     }
///
/// Who has a permit is not known to it: any code may release as many as it likes, on any thread,
/// also such as nobody has acquired.
/// Order, Errors, Thread safety: as async_mutex. One that is cancelled has acquired nothing.
/// Lifetime: it must outlive those who wait.
/// Cost: 32 bytes, no allocation; what does not wait, one read-modify-write each.
class async_semaphore {
public:
    /// `permits`: how many can be acquired before one is released; with 0, none.
    explicit async_semaphore(std::ptrdiff_t permits) noexcept : permits_(permits) {}
    async_semaphore(const async_semaphore&) = delete;
    async_semaphore& operator=(const async_semaphore&) = delete;

    /// `co_await semaphore.acquire()`: goes on when it has a permit.
    ///
    /// Throws: task_cancelled.
    detail::wait_maker<detail::queue_wait<detail::permits>, detail::permits&> acquire() noexcept {
        return {permits_};
    }

    /// Acquires one if there is any, from ordinary code too. False if not.
    bool try_acquire() noexcept { return permits_.try_take(); }

    /// Gives back `many`, to those who have waited longest first.
    void release(std::ptrdiff_t many = 1) { permits_.give_back(many); }

    /// How many there are at the moment. 0 while somebody waits.
    std::ptrdiff_t available() const noexcept { return permits_.free(); }

private:
    detail::permits permits_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/permits.ipp"
#include "detail/coroutine/wait_queue.ipp"
#endif
