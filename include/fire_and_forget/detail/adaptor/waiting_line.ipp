// SPDX-License-Identifier: MIT
#pragma once

#include "waiting_line.hpp"

#include <cstddef>
#include <cstdint>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool waiting_line::push(timer_node& item) noexcept {
    piece* to = last_;
    if (to->size == to->room) {
        to = add_piece();
        if (to == nullptr) {
            return false;
        }
    }
    to->items[to->size++] = &item;
    return true;
}

FIRE_AND_FORGET_ENGINE bool waiting_line::look() noexcept {
    if (taken_ == first_->size) {
        piece* const over = first_;
        const bool is_last = over->next == nullptr;
        first_ = is_last ? &own_ : over->next;
        taken_ = 0;
        if (is_last) {
            last_ = &own_;
            own_.next = nullptr;
            own_.size = 0;
        }
        release(over);
    }
    seen_ = first_->size;
    if (const piece* const then = first_->next) {
        for (std::uint32_t i = 0; i < then->size; ++i) {
            fetch(then->items[i]);
        }
    }
    return seen_ > 0;
}

FIRE_AND_FORGET_ENGINE timer_node* waiting_line::pop() noexcept {
    return taken_ < seen_ ? first_->items[taken_++] : nullptr;
}

FIRE_AND_FORGET_ENGINE waiting_line::piece* waiting_line::add_piece() noexcept {
    void* const memory =
        ::operator new(sizeof(piece) + room_of_others * sizeof(void*), std::nothrow);
    if (memory == nullptr) {
        return nullptr;
    }
    auto* const items = reinterpret_cast<timer_node**>(static_cast<piece*>(memory) + 1);
    last_->next = ::new (memory) piece{nullptr, items, 0, room_of_others};
    return last_ = last_->next;
}

FIRE_AND_FORGET_ENGINE void waiting_line::release(piece* gone) noexcept {
    if (gone != &own_) {
        ::operator delete(static_cast<void*>(gone));
    }
}

/// A task with a small closure is in two cache lines.
FIRE_AND_FORGET_ENGINE void waiting_line::fetch(const timer_node* item) noexcept {
#if defined(__GNUC__)
    const auto* const bytes = reinterpret_cast<const std::byte*>(item);
    __builtin_prefetch(bytes, 1);
    __builtin_prefetch(bytes + 64, 1);
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
