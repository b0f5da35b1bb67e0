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
                                    counted has_been, Fill& fill, coroutine_books& books) noexcept {
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
    if (turn_ == turn::none) { // TURN-2
        turn_ = new_turn_;
        return pushed::begins_turn;
    }
    if (turn_ == turn::begun) { // TURN-4
        turn_ = turn::has_more;
        books.note_opened();
    }
    return pushed::behind_others;
}

/// Whether somebody has counted it as accepted.
inline bool is_counted(const timer_node* item) noexcept {
    return item != nullptr && (item->is_resumption || item->is_brought);
}

FIRE_AND_FORGET_ENGINE turn_queue::pushed turn_queue::push(timer_node& item,
                                                           coroutine_books& books) noexcept {
    const auto has_been = is_counted(&item) ? counted::before : counted::not_yet;
    const auto fill = [&](void* memory) { ::new (memory) timer_node*(&item); };
    return push(item_on_heap, call_site(), has_been, fill, books);
}

FIRE_AND_FORGET_ENGINE turn_queue::pushed turn_queue::push(const task_vtable& type,
                                                           const call_site& where,
                                                           function_ref<void(void*)> fill,
                                                           coroutine_books& books) noexcept {
    return push(type, where, counted::not_yet, fill, books);
}

FIRE_AND_FORGET_ENGINE waiting* turn_queue::next(coroutine_books& books) noexcept {
    if (waiting* const seen = line_.pop()) {
        return seen;
    }
    const inside_library inside;
    std::unique_ptr<waiting_line::piece> over; // freed when the lock is given back
    turn before = turn::none;
    std::uint32_t fresh = 0;
    bool is_any = false;
    {
        const std::lock_guard held(lock_);
        fresh = std::exchange(fresh_, 0);
        is_any = line_.look(over);
        before = std::exchange(turn_, is_any ? turn::under_way : turn::none); // TURN-2
    }
    if (before == turn::has_more) {
        books.note_closed(); // TURN-4
    }
    if (fresh > 0) {
        books.note_accepted(fresh);
    }
    if (!is_any) {
        return nullptr;
    }
    line_.fetch();
    return line_.pop();
}

FIRE_AND_FORGET_ENGINE bool turn_queue::has_more() noexcept {
    const inside_library inside;
    const std::lock_guard held(lock_);
    return line_.has_more();
}

FIRE_AND_FORGET_ENGINE void turn_queue::forget_first(coroutine_books& books) noexcept {
    const inside_library inside;
    std::unique_ptr<waiting_line::piece> none_yet;
    const std::lock_guard held(lock_);
    if (std::exchange(turn_, turn::under_way) == turn::has_more) {
        books.note_closed(); // the caller keeps them open
    }
    waiting* const first = line_.look(none_yet) ? line_.pop() : nullptr;
    fresh_ -= first == nullptr || is_counted(first->on_heap()) ? 0U : 1U;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
