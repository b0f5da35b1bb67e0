// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "permits.hpp"
#include "wait_queue.hpp"

#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void permits::give_back(std::ptrdiff_t many) {
    queued_wait* first = nullptr;
    queued_wait** last = &first;
    {
        const std::lock_guard held(lock_);
        for (; many > 0 && !waiting_.is_empty(); --many) { // PERMITS-1
            *last = waiting_.serve_first();
            last = &(*last)->behind;
        }
        free_ += many;
    }
    queued_wait::go_on_all(first);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
