// SPDX-License-Identifier: MIT
#pragma once

#include "turn_queue.hpp"

#include "../platform/reentry.hpp"

#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class Fill>
turn_queue::pushed turn_queue::push(const task_vtable& type, const call_site& where,
                                    counted has_been, Fill& fill) noexcept {
    const inside_library inside;
    std::unique_lock held(lock_);
    if (!line_.has_room(type)) {
        held.unlock(); // TURN-1
        std::unique_ptr<waiting_line::piece> fresh(new (std::nothrow) waiting_line::piece);
        held.lock();
        if (!line_.has_room(type)) { // else somebody else has made it
            if (fresh == nullptr) {
                return pushed::no_memory;
            }
            line_.add(std::move(fresh));
        }
    }
    line_.push(type, where, fill);
    fresh_ += has_been == counted::not_yet ? 1U : 0U;
    const bool is_first = !std::exchange(has_turn_, true); // TURN-2
    return is_first ? pushed::begins_turn : pushed::behind_others;
}

/// Whether somebody has counted it as accepted.
inline bool is_counted(const timer_node* item) noexcept {
    return item != nullptr && (item->is_resumption || item->is_brought);
}

FIRE_AND_FORGET_ENGINE turn_queue::pushed turn_queue::push(timer_node& item) noexcept {
    const auto has_been = is_counted(&item) ? counted::before : counted::not_yet;
    const auto fill = [&](void* memory) { ::new (memory) timer_node*(&item); };
    return push(item_on_heap, call_site(), has_been, fill);
}

FIRE_AND_FORGET_ENGINE turn_queue::pushed
turn_queue::push(const task_vtable& type, const call_site& where,
                 function_ref<void(void*)> fill) noexcept {
    return push(type, where, counted::not_yet, fill);
}

FIRE_AND_FORGET_ENGINE waiting* turn_queue::next(std::uint32_t& fresh) noexcept {
    if (waiting* const seen = line_.pop()) {
        return seen;
    }
    const inside_library inside;
    std::unique_ptr<waiting_line::piece> over; // freed when the lock is given back
    {
        const std::lock_guard held(lock_);
        fresh = std::exchange(fresh_, 0);
        has_turn_ = line_.look(over); // TURN-2
        if (!has_turn_) {
            return nullptr;
        }
    }
    line_.fetch();
    return line_.pop();
}

FIRE_AND_FORGET_ENGINE bool turn_queue::has_more() noexcept {
    const inside_library inside;
    const std::lock_guard held(lock_);
    return line_.has_more();
}

FIRE_AND_FORGET_ENGINE void turn_queue::forget_first() noexcept {
    const inside_library inside;
    std::unique_ptr<waiting_line::piece> none_yet;
    const std::lock_guard held(lock_);
    waiting* const first = line_.look(none_yet) ? line_.pop() : nullptr;
    fresh_ -= first == nullptr || is_counted(first->on_heap()) ? 0U : 1U;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
