// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "countdown.hpp"
#include "wait_queue.hpp"

#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void countdown::count(std::ptrdiff_t many) {
    queued_wait* served = nullptr;
    {
        const std::lock_guard held(lock_);
        left_ -= many;
        if (left_ <= 0) {
            served = waiting_.serve_all();
        }
    }
    queued_wait::go_on_all(served);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
