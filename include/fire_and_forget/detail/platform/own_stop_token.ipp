// SPDX-License-Identifier: MIT
#pragma once

#include "own_stop_token.hpp"

#include "platform.hpp"
#include "reentry.hpp"

#include <mutex>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool stop_state::request() noexcept {
    {
        const library_lock lock(mutex_);
        if (is_requested_.load(std::memory_order_relaxed)) {
            return false;
        }
        is_requested_.store(true, std::memory_order_release);
        caller_ = std::this_thread::get_id();
    }
    for (;;) {
        stop_listener* next = nullptr;
        {
            const library_lock lock(mutex_);
            next = listeners_.first();
            in_call_ = next;
            called_.notify_all();
            if (next == nullptr) {
                return true;
            }
            listeners_.remove(*next);
        }
        next->call(*next); // and may be gone then
    }
}

FIRE_AND_FORGET_ENGINE bool stop_state::listen(stop_listener& one) noexcept {
    const library_lock lock(mutex_);
    if (is_requested_.load(std::memory_order_relaxed)) {
        return false;
    }
    listeners_.add(one);
    return true;
}

FIRE_AND_FORGET_ENGINE void stop_state::stop_listening(stop_listener& one) noexcept {
    const cancellation_deferred whole;
    const inside_library waiting;
    std::unique_lock lock(mutex_);
    if (!listeners_.remove(one) && caller_ != std::this_thread::get_id()) {
        called_.wait(lock, [&] { return in_call_ != &one; });
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
