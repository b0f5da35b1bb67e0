// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "alarm_clock.hpp"
#include "platform.hpp"
#include "reentry.hpp"
#include "time.hpp"

#include <cstdint>
#include <mutex>
#include <ratio>

#if defined(FIRE_AND_FORGET_HAS_FUTEX)
#include <cerrno>
#include <ctime>
#include <linux/futex.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(FIRE_AND_FORGET_HAS_FUTEX)

FIRE_AND_FORGET_ENGINE void alarm_clock::call() noexcept {
    calls_.fetch_add(1, std::memory_order_release); // ALARM-1
    insist();
}

FIRE_AND_FORGET_ENGINE void alarm_clock::insist() noexcept {
    ::syscall(SYS_futex, word(), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

FIRE_AND_FORGET_ENGINE void alarm_clock::sleep(std::uint32_t seen, steady_time end) noexcept {
    using std::chrono::duration_cast;
    using seconds = std::chrono::duration<std::time_t>;
    using nanoseconds = std::chrono::duration<long, std::nano>;
    const auto since_boot = end.time_since_epoch();
    const auto whole = duration_cast<seconds>(since_boot);
    std::timespec until{};
    until.tv_sec = whole.count();
    until.tv_nsec = duration_cast<nanoseconds>(since_boot - whole).count();
    const int error_before = errno;
    ::syscall(SYS_futex, word(), FUTEX_WAIT_BITSET_PRIVATE, seen, end == never ? nullptr : &until,
              nullptr, FUTEX_BITSET_MATCH_ANY);
    errno = error_before;
}

FIRE_AND_FORGET_ENGINE std::uint32_t* alarm_clock::word() noexcept {
    static_assert(sizeof calls_ == sizeof(std::uint32_t));
    return reinterpret_cast<std::uint32_t*>(&calls_);
}

#else

FIRE_AND_FORGET_ENGINE void alarm_clock::call() noexcept {
    const library_lock lock(mutex_);
    calls_.fetch_add(1, std::memory_order_release); // ALARM-1
    called_.notify_one();
}

FIRE_AND_FORGET_ENGINE void alarm_clock::insist() noexcept {
    called_.notify_one();
}

FIRE_AND_FORGET_ENGINE void alarm_clock::sleep(std::uint32_t seen, steady_time end) noexcept {
    std::unique_lock lock(mutex_);
    if (calls() == seen) {
        wait_until(called_, lock, end);
    }
}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
