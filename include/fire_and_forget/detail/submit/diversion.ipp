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

/// What is in use instead, if coroutines can go on there; else `otherwise()`.
template <class Otherwise>
scheduler& home_of(const diversion::use& elsewhere, Otherwise otherwise) noexcept {
    scheduler* const its = elsewhere ? elsewhere->home() : nullptr;
    return its != nullptr ? *its : otherwise();
}

FIRE_AND_FORGET_ENGINE held_home::held_home() noexcept
    : elsewhere_(default_pool_door()),
      home_(home_of(elsewhere_, []() -> scheduler& { return default_scheduler(); })) {}

FIRE_AND_FORGET_ENGINE held_home::held_home(pool_door& meant) noexcept
    : elsewhere_(meant), home_(home_of(elsewhere_, [&]() -> scheduler& { return meant.home(); })) {}

FIRE_AND_FORGET_ENGINE held_home::held_home(const own_threads_door& meant) noexcept
    : elsewhere_(meant), home_(home_of(elsewhere_, [&]() -> scheduler& { return meant.home(); })) {}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
