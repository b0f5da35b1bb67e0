// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "timer_heap.hpp"
#include "timer_node.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool timer_heap::try_push(timer_node& item) noexcept {
    if (size_ == capacity_ && !grow()) {
        return false;
    }
    rise(size_++, entry(item));
    return true;
}

FIRE_AND_FORGET_ENGINE timer_node* timer_heap::pop_due(steady_time now) noexcept {
    if (size_ == 0 || now < entries_[0].due) {
        return nullptr;
    }
    timer_node& first = entries_[0].item();
    take_out(0);
    return &first;
}

FIRE_AND_FORGET_ENGINE timer_node& timer_heap::entry::item() const noexcept {
    return *static_cast<timer_node*>(static_cast<void*>(tagged_ - (is_watched() ? 1 : 0)));
}

FIRE_AND_FORGET_ENGINE bool timer_heap::entry::is_watched() const noexcept {
    return reinterpret_cast<std::uintptr_t>(tagged_) % alignof(timer_node) != 0;
}

FIRE_AND_FORGET_ENGINE bool timer_heap::is_before(const entry& a, const entry& b) noexcept {
    return a.due < b.due || (a.due == b.due && a.item().came_before(b.item()));
}

FIRE_AND_FORGET_ENGINE void timer_heap::shrink() noexcept {
    std::size_t enough = capacity_;
    while (enough > least && size_ < enough / 4) {
        enough /= 2;
    }
    if (enough < capacity_) {
        static_cast<void>(resize(enough));
    }
}

FIRE_AND_FORGET_ENGINE bool timer_heap::resize(std::size_t capacity) noexcept {
    void* const moved = std::realloc(static_cast<void*>(entries_), capacity * sizeof(entry));
    if (moved == nullptr) {
        return false;
    }
    entries_ = static_cast<entry*>(moved);
    capacity_ = capacity;
    return true;
}

FIRE_AND_FORGET_ENGINE void timer_heap::put(std::size_t place, const entry& it) noexcept {
    entries_[place] = it;
    if (it.is_watched()) {
        it.item().heap_place = place;
        it.item().is_in_heap = true;
    }
}

FIRE_AND_FORGET_ENGINE void timer_heap::take_out(std::size_t place) noexcept {
    if (const entry gone = entries_[place]; gone.is_watched()) {
        gone.item().is_in_heap = false;
    }
    const entry last = entries_[--size_];
    if (place < size_) {
        if (place > 0 && is_before(last, entries_[(place - 1) / arity])) {
            rise(place, last);
        } else {
            sink(place, last);
        }
    }
    shrink();
}

FIRE_AND_FORGET_ENGINE void timer_heap::rise(std::size_t hole, const entry& it) noexcept {
    while (hole > 0) {
        const std::size_t parent = (hole - 1) / arity;
        if (!is_before(it, entries_[parent])) {
            break;
        }
        put(hole, entries_[parent]);
        hole = parent;
    }
    put(hole, it);
}

FIRE_AND_FORGET_ENGINE void timer_heap::sink(std::size_t hole, const entry it) noexcept {
    for (;;) {
        const std::size_t first = hole * arity + 1;
        if (first >= size_) {
            break;
        }
        const std::size_t end = first + arity < size_ ? first + arity : size_;
        std::size_t earliest = first;
        for (std::size_t child = first + 1; child < end; ++child) {
            if (is_before(entries_[child], entries_[earliest])) {
                earliest = child;
            }
        }
        if (!is_before(entries_[earliest], it)) {
            break;
        }
        put(hole, entries_[earliest]);
        hole = earliest;
    }
    put(hole, it);
}

FIRE_AND_FORGET_ENGINE timer_node*
timer_heap::take_latest_if(function_ref<bool(timer_node&)> is_it) {
    std::size_t latest = size_;
    for (std::size_t i = size_; i-- > 0;) { // the later ones stand rather at the end
        if ((latest == size_ || is_before(entries_[latest], entries_[i])) &&
            is_it(entries_[i].item())) {
            latest = i;
        }
    }
    if (latest == size_) {
        return nullptr;
    }
    timer_node& found = entries_[latest].item();
    take_out(latest);
    return &found;
}

FIRE_AND_FORGET_ENGINE timer_node* timer_heap::remove_if(function_ref<bool(timer_node&)> is_it) {
    timer_node* removed = nullptr;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
        timer_node& item = entries_[i].item();
        if (is_it(item)) {
            item.is_in_heap = false;
            item.next = removed;
            removed = &item;
        } else {
            put(kept++, entries_[i]);
        }
    }
    size_ = kept;
    for (std::size_t i = (kept + arity - 2) / arity; i-- > 0;) { // from the last parent up
        sink(i, entries_[i]);
    }
    shrink();
    return removed;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
