// SPDX-License-Identifier: MIT
#pragma once

#include "quiescence.hpp"

#include "../platform/reentry.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void quiescence::tell() noexcept {
    full_fence(); // QUIET-1
    if (waiters_.load(std::memory_order_relaxed) > 0) {
        const inside_library telling;
        std::unique_lock lock(mutex_, std::defer_lock);
        static_cast<void>(try_lock_soon(lock)); // if it fails, they look again by themselves
        changed_.notify_all();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
