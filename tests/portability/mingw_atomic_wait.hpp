// SPDX-License-Identifier: MIT
#pragma once

// std::latch, std::semaphore and std::atomic::wait for the tests themselves with MinGW's GCC 12,
// included before all else: its own ones look at the value, and then sleep until the next
// notification, which may have come in between. The library has waited_atomic.hpp instead.

#include <chrono>
#include <cstdint>

#if defined(__GLIBCXX__) && defined(_WIN32)

#define _GLIBCXX_HAVE_PLATFORM_WAIT 1
#define _GLIBCXX_HAVE_PLATFORM_TIMED_WAIT 1

extern "C" {
int __stdcall WaitOnAddress(volatile void*, void*, std::size_t, unsigned long);
void __stdcall WakeByAddressSingle(void*);
void __stdcall WakeByAddressAll(void*);
}

namespace std::__detail {

template <class T>
void __platform_wait(const T* where, std::uint64_t old) noexcept {
    static_assert(sizeof *where == sizeof old);
    WaitOnAddress(const_cast<T*>(where), &old, sizeof old, ~0UL);
}

template <class T>
void __platform_notify(const T* where, bool all) noexcept {
    all ? WakeByAddressAll(const_cast<T*>(where)) : WakeByAddressSingle(const_cast<T*>(where));
}

template <class T, class Clock, class Duration>
bool __platform_wait_until(const T* where, std::uint64_t old,
                           const chrono::time_point<Clock, Duration>& end) noexcept {
    while (__atomic_load_n(where, __ATOMIC_SEQ_CST) == old) {
        if (Clock::now() >= end) {
            return false;
        }
        WaitOnAddress(const_cast<T*>(where), &old, sizeof old, 1);
    }
    return true;
}

} // namespace std::__detail

#endif
