// SPDX-License-Identifier: MIT
#pragma once

// A mutex that can be used before any constructor has run. process.hpp has one.

#include "abi.hpp"
#include "windows.hpp"

#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(_WIN32)

/// With MinGW, std::mutex has no constant initialization.
class early_mutex {
public:
    constexpr early_mutex() noexcept = default;
    early_mutex(const early_mutex&) = delete;
    early_mutex& operator=(const early_mutex&) = delete;

    void lock() noexcept { AcquireSRWLockExclusive(system()); }
    void unlock() noexcept { ReleaseSRWLockExclusive(system()); }

private:
    /// The system's is one pointer, null at first.
    _RTL_SRWLOCK* system() noexcept { return reinterpret_cast<_RTL_SRWLOCK*>(&state_); }

    void* state_ = nullptr;
};

#else

using early_mutex = std::mutex;

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
