// SPDX-License-Identifier: MIT
#pragma once

// How the keeper sleeps: until a time, or until somebody calls. With platform.hpp the only place
// that knows how a system does that.

#include "abi.hpp"
#include "platform.hpp"
#include "time.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>

#if defined(__linux__) && defined(__LP64__)
#define FIRE_AND_FORGET_HAS_FUTEX 1
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One thread sleeps on it, any may call it.
///
/// Not a condition variable: with glibc's, a wake-up that the system loses is lost for good,
/// because it counts the sleeper as woken. Here nothing but a number is remembered, so each call
/// tries again; and who calls never waits for a thread that has stopped half-way.
///
/// Orderings  ALARM-1  The sleeper reads calls() before it looks for what it is called for, and
///                     sleeps only while nobody has called since. A call comes after what it is
///                     made for.
class alarm_clock {
public:
    alarm_clock() noexcept = default;
    alarm_clock(const alarm_clock&) = delete;
    alarm_clock& operator=(const alarm_clock&) = delete;

    /// For the sleeper, before it looks.
    std::uint32_t calls() const noexcept {
        return calls_.load(std::memory_order_acquire); // ALARM-1
    }

    void call() noexcept;

    /// Makes the last call once more, in case the system has lost it: where nobody else would find
    /// out.
    void insist() noexcept;

    /// Sleeps until `end`, unless it was called since `seen` was read. May end early: then the
    /// sleeper looks in vain.
    void sleep(std::uint32_t seen, steady_time end) noexcept;

private:
#if defined(FIRE_AND_FORGET_HAS_FUTEX)
    std::uint32_t* word() noexcept;
#else
    std::mutex mutex_;
    std::condition_variable called_;
#endif

    std::atomic<std::uint32_t> calls_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
