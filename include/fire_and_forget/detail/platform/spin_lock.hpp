// SPDX-License-Identifier: MIT
#pragma once

// A lock for a few instructions. ../coroutine/wait_queue.hpp has one in each thing that coroutines
// wait for, and ../adaptor/turn_queue.hpp in each serial executor: a std::mutex would be most of
// their size.

#include "abi.hpp"

#include <atomic>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whoever has it must come to its end: nothing that may wait or throw, no allocation, no code of
/// users. One that finds it taken looks again for a while and then lets other threads run, for its
/// owner may have been interrupted.
///
/// Limits  Not for signal handlers.
/// Cost    One read-modify-write and a store; a byte.
class spin_lock {
public:
    void lock() noexcept {
        if (is_held_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
            wait();
        }
    }
    void unlock() noexcept { is_held_.store(false, std::memory_order_release); }

private:
    void wait() noexcept;

    std::atomic<bool> is_held_{false};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
