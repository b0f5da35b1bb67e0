// SPDX-License-Identifier: MIT
#pragma once

#include "waiting_line.hpp"

#include <cstddef>
#include <memory>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE timer_node* waiting::on_heap() noexcept {
    return type == &item_on_heap ? *std::launder(static_cast<timer_node**>(closure())) : nullptr;
}

FIRE_AND_FORGET_ENGINE void waiting_line::add(std::unique_ptr<piece> fresh) noexcept {
    last_->stop = write_;
    last_->next = &fresh->end;
    last_ = &fresh->end;
    write_ = fresh.release()->room;
}

FIRE_AND_FORGET_ENGINE bool waiting_line::look(std::unique_ptr<piece>& over) noexcept {
    const bool is_any = has_more();
    link* const before = first_;
    if (!is_any) {
        first_ = last_ = &own_.end;
        read_ = write_ = own_.room;
    } else if (first_ != last_ && read_ == first_->stop) {
        first_ = first_->next;
        read_ = piece_of(*first_)->room;
    }
    if (before != first_ && before != &own_.end) {
        over.reset(piece_of(*before));
    }
    seen_ = first_ == last_ ? write_ : first_->stop;
    return is_any;
}

FIRE_AND_FORGET_ENGINE waiting_line::piece* waiting_line::piece_of(link& end) noexcept {
    void* const whole = reinterpret_cast<std::byte*>(&end) - offsetof(piece, end);
    return static_cast<piece*>(whole);
}

/// A task with a small closure is in two cache lines.
FIRE_AND_FORGET_ENGINE void waiting_line::fetch() const noexcept {
#if defined(__GNUC__)
    for (std::byte* at = read_; at != seen_;) {
        waiting* const one = waiting_at(at);
        if (const timer_node* const item = one->on_heap()) {
            const auto* const bytes = reinterpret_cast<const std::byte*>(item);
            __builtin_prefetch(bytes, 1);
            __builtin_prefetch(bytes + 64, 1);
        }
        at += waiting::size_with(*one->type);
    }
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
