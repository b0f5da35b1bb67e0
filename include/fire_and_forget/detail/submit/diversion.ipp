// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/process.hpp"
#include "../pool/default_pool.hpp"
#include "diversion.hpp"

#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE diversion::diversion(const any_core& to, diverted what)
    : to_(to), what_(what), door_(default_pool_door()) {
    const settings_lock held;
    outer_ = innermost.load(std::memory_order_relaxed);
    innermost.store(this, std::memory_order_relaxed);
    door_.divert();
}

FIRE_AND_FORGET_ENGINE diversion::~diversion() {
    {
        const settings_lock held;
        innermost.store(outer_, std::memory_order_relaxed);
        if (outer_ == nullptr) {
            door_.end_diversion();
        }
    }
    while (is_in_use()) {
        std::this_thread::yield();
    }
}

FIRE_AND_FORGET_ENGINE bool diversion::is_in_use() const noexcept {
    const settings_lock held;
    return users_ > 0;
}

/// The innermost one that diverts that much. Under the lock.
FIRE_AND_FORGET_ENGINE diversion* diversion::find(diverted least) noexcept {
    diversion* found = innermost.load(std::memory_order_relaxed);
    while (found != nullptr && found->what_ < least) {
        found = found->outer_;
    }
    if (found != nullptr) {
        ++found->users_;
    }
    return found;
}

FIRE_AND_FORGET_ENGINE diversion::use::use(const pool_door& meant) noexcept : of_(nullptr) {
    if (is_any() && meant.is_default()) {
        const settings_lock held;
        of_ = find(diverted::pool);
    }
}

FIRE_AND_FORGET_ENGINE diversion::use::use(const own_threads_door&) noexcept : of_(nullptr) {
    if (is_any()) {
        const settings_lock held;
        of_ = find(diverted::pool_and_own_threads);
    }
}

FIRE_AND_FORGET_ENGINE diversion::use::~use() {
    if (of_ != nullptr) {
        const settings_lock held;
        --of_->users_;
    }
}

template <class Door>
scheduler* home_elsewhere(Door& meant) noexcept {
    const diversion::use elsewhere(meant);
    return elsewhere ? elsewhere->home() : nullptr;
}

FIRE_AND_FORGET_ENGINE scheduler& default_home() noexcept {
    scheduler* const elsewhere =
        diversion::is_any() ? home_elsewhere(default_pool_door()) : nullptr;
    return elsewhere != nullptr ? *elsewhere : default_scheduler();
}

FIRE_AND_FORGET_ENGINE scheduler& home_at(pool_door& meant) noexcept {
    scheduler* const elsewhere = home_elsewhere(meant);
    return elsewhere != nullptr ? *elsewhere : meant.home();
}

FIRE_AND_FORGET_ENGINE scheduler& home_at(const own_threads_door& meant) noexcept {
    scheduler* const elsewhere = home_elsewhere(meant);
    return elsewhere != nullptr ? *elsewhere : meant.home();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
