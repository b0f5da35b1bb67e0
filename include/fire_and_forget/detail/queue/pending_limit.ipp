// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "pending_limit.hpp"

#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool pending_limit::try_enter() noexcept {
    std::size_t taken = taken_.load(); // LIMIT-2
    do {
        if (taken >= most_) {
            return false; // LIMIT-1
        }
    } while (!taken_.compare_exchange_weak(taken, taken + 1));
    return true;
}

FIRE_AND_FORGET_ENGINE void pending_limit::leave() {
    taken_.fetch_sub(1);        // LIMIT-2
    if (waiters_.load() != 0) { // LIMIT-2
        wake_all();
    }
}

FIRE_AND_FORGET_ENGINE void pending_limit::wake_all() {
    const library_lock lock(mutex_);
    has_room_.notify_all();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
