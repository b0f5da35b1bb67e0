// SPDX-License-Identifier: MIT
#pragma once

// Has coroutines wait until a number of things have happened. detail/coroutine/countdown.hpp is the
// inside.

#include "coroutine.hpp"
#include "detail/coroutine/countdown.hpp"
#include "detail/coroutine/wait_queue.hpp"
#include "detail/platform/abi.hpp"

#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// For coroutines what std::latch is for threads: they go on when it has been counted down.
///
///     faf::async_latch loaded(files.size());
///     for (const auto& file : files) { fire_and_forget(load, file, std::ref(loaded)); }
///     co_await loaded;
///
/// load calls loaded.count_down(). Any number of coroutines may await it, before and after; once it
/// has come to zero nobody waits any more.
/// Errors: a wait is ended by task_cancelled when the task is asked to stop or its executor shuts
/// down, as a sleep is.
/// Thread safety: any thread may call anything, but for signal handlers.
/// Lifetime: it must outlive those who wait, and the calls: who was the first to go on may not end
/// it as long as others have not.
/// Cost: 32 bytes, no allocation; a call, one read-modify-write.
class async_latch : public detail::awaitable_in_chain_only {
public:
    /// `expected`: how often it is to be counted down; with 0, nobody waits.
    explicit async_latch(std::ptrdiff_t expected) noexcept : left_(expected) {}
    async_latch(const async_latch&) = delete;
    async_latch& operator=(const async_latch&) = delete;

    /// Counts down by `many`. More than are left count as those.
    void count_down(std::ptrdiff_t many = 1) { left_.count(many); }

    /// Whether it has come to zero.
    bool try_wait() noexcept { return left_.try_take(); }

private:
    friend detail::await_access;

    detail::queue_wait<detail::countdown> awaiter_in(detail::chain& of) noexcept {
        return {of, left_};
    }

    detail::countdown left_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/countdown.ipp"
#include "detail/coroutine/wait_queue.ipp"
#endif
