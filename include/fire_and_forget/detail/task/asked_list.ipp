// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "asked_list.hpp"
#include "timer_node.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void asked_list::arm(watched& one) noexcept {
    const library_lock lock(mutex_);
    one.is_armed = true;
}

FIRE_AND_FORGET_ENGINE void asked_list::disarm(watched& one) noexcept { // ASKED-1
    const library_lock lock(mutex_);
    take_off(one);
}

FIRE_AND_FORGET_ENGINE bool asked_list::ask(watched& one) noexcept {
    const library_lock lock(mutex_);
    if (!one.is_armed || one.next != nullptr) {
        return false;
    }
    one.previous = std::exchange(ends_.previous, &one);
    one.next = &ends_;
    one.previous->next = &one;
    return true;
}

FIRE_AND_FORGET_ENGINE timer_node* asked_list::take_from_heap() noexcept {
    const library_lock lock(mutex_);
    watched* one = ends_.next;
    while (one != &ends_ && !one->item.is_in_heap) {
        one = one->next;
    }
    if (one == &ends_) {
        return nullptr;
    }
    take_off(*one);
    return &one->item;
}

FIRE_AND_FORGET_ENGINE void asked_list::take_off(watched& one) noexcept {
    one.is_armed = false;
    if (one.next != nullptr) {
        one.previous->next = one.next;
        std::exchange(one.next, nullptr)->previous = one.previous;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
