// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/thread_state.hpp"
#include "sink_slot.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE sink_slot::use::use(sink_slot& of) noexcept
    : of_(of), pin_(of.free_pin()), kept_(pin_ != nullptr ? of.pin_in(*pin_) : of.count_in()) {}

FIRE_AND_FORGET_ENGINE sink_slot::use::~use() {
    if (pin_ != nullptr) [[likely]] {
        pin_->used.store(nullptr, std::memory_order_release); // SINK-5
        asymmetric_barrier::light();                          // SINK-3
        if (of_.in_force_.load(std::memory_order_relaxed) != kept_) [[unlikely]] {
            of_.destroy_unused();
        }
    } else if (kept_ != nullptr) {
        of_.count_out(*kept_);
    }
}

/// Null if the thread has none, or uses it.
FIRE_AND_FORGET_ENGINE sink_pin* sink_slot::free_pin() noexcept {
    sink_pin* const own = this_thread.pin != nullptr ? this_thread.pin : claim_pin();
    const bool is_free = own != nullptr && own->used.load(std::memory_order_relaxed) == nullptr;
    return is_free ? own : nullptr; // SINK-4
}

/// Threads come and go, and are often at the same few addresses.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE sink_pin* sink_slot::claim_pin() noexcept {
    for (sink_pin& one : pins) {
        const thread_state* owner = one.owner.load(std::memory_order_relaxed);
        if (owner == &this_thread ||
            (owner == nullptr &&
             one.owner.compare_exchange_strong(owner, &this_thread, std::memory_order_relaxed))) {
            this_thread.pin = &one;
            break;
        }
    }
    return this_thread.pin;
}

FIRE_AND_FORGET_ENGINE kept_sink* sink_slot::pin_in(sink_pin& pin) noexcept {
    for (;;) {
        kept_sink* const seen = in_force_.load(std::memory_order_relaxed);
        pin.used.store(seen, std::memory_order_release);                    // SINK-5
        asymmetric_barrier::light();                                        // SINK-2
        if (in_force_.load(std::memory_order_acquire) == seen) [[likely]] { // SINK-5
            return seen;
        }
        pin.used.store(nullptr, std::memory_order_release);
        destroy_unused(); // SINK-3
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE kept_sink* sink_slot::count_in() noexcept {
    const settings_lock held;
    kept_sink* const used = in_force_.load(std::memory_order_relaxed);
    if (used != nullptr) {
        ++used->users;
    }
    return used;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_slot::count_out(kept_sink& left) noexcept {
    {
        const settings_lock held;
        --left.users;
    }
    destroy_unused();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_slot::put_in_force(kept_sink* fresh) noexcept {
    kept_sink* const old = in_force_.exchange(fresh, std::memory_order_acq_rel); // SINK-5
    asymmetric_barrier::heavy();                                                 // SINK-2
    if (old != nullptr) {
        old->next = std::exchange(replaced_, old);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool
sink_slot::is_pinned(const kept_sink& one) const noexcept {
    bool is_used = false;
    for (const sink_pin& pin : pins) { // all of them, for each that has left is acquired
        is_used = pin.used.load(std::memory_order_acquire) == &one || is_used; // SINK-5
    }
    return is_used;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_slot::destroy_unused() noexcept {
    kept_sink* unused = nullptr;
    {
        const settings_lock held;
        for (kept_sink** place = &replaced_; *place != nullptr;) {
            kept_sink& one = **place;
            if (one.users == 0 && !is_pinned(one)) { // SINK-1
                *place = one.next;
                one.next = std::exchange(unused, &one);
            } else {
                place = &one.next;
            }
        }
    }
    while (unused != nullptr) {
        const std::unique_ptr<kept_sink> gone(unused);
        unused = gone->next;
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool sink_slot::replace(const use& expected,
                                                             std::unique_ptr<kept_sink>& fresh) {
    const settings_lock held;
    const bool is_meant = in_force_.load(std::memory_order_relaxed) == expected.kept_;
    if (is_meant) {
        put_in_force(fresh.release()); // whose user destroys the one before
    }
    return is_meant;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_slot::clear() {
    {
        const settings_lock held;
        put_in_force(nullptr);
    }
    destroy_unused();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE sink_slot& global_sink() noexcept {
    return slot_of_global_sink.value;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
