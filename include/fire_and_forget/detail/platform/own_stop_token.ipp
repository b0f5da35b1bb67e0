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
            next = first_;
            in_call_ = next;
            called_.notify_all();
            if (next == nullptr) {
                return true;
            }
            first_ = next->next;
            if (first_ != nullptr) {
                first_->previous = nullptr;
            }
            next->is_listed = false;
        }
        next->call(*next); // and may be gone then
    }
}

FIRE_AND_FORGET_ENGINE bool stop_state::listen(stop_listener& one) noexcept {
    const library_lock lock(mutex_);
    if (is_requested_.load(std::memory_order_relaxed)) {
        return false;
    }
    one.next = first_;
    if (first_ != nullptr) {
        first_->previous = &one;
    }
    first_ = &one;
    one.is_listed = true;
    return true;
}

FIRE_AND_FORGET_ENGINE void stop_state::stop_listening(stop_listener& one) noexcept {
    const cancellation_deferred whole;
    const inside_library waiting;
    std::unique_lock lock(mutex_);
    if (one.is_listed) {
        (one.previous != nullptr ? one.previous->next : first_) = one.next;
        if (one.next != nullptr) {
            one.next->previous = one.previous;
        }
        one.is_listed = false;
    } else if (caller_ != std::this_thread::get_id()) {
        called_.wait(lock, [&] { return in_call_ != &one; });
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
