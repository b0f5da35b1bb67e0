// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "pending_limit.hpp"

#include <algorithm>
#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE pending_limit::pending_limit(std::size_t most,
                                                    std::chrono::nanoseconds look_again) noexcept
    : most_(most < static_cast<std::size_t>(nobody / 2) ? static_cast<std::int64_t>(most)
                                                        : nobody / 2),
      look_again_(look_again) {}

FIRE_AND_FORGET_ENGINE bool pending_limit::try_enter() noexcept {
    std::int64_t entered = entered_.load(); // LIMIT-1
    do {
        if (entered - left_by_then_.load(std::memory_order_relaxed) >= most_) {
            const std::int64_t left = left_.load(); // LIMIT-1, LIMIT-4
            left_by_then_.store(left, std::memory_order_relaxed);
            if (entered - left >= most_) {
                return false;
            }
        }
    } while (!entered_.compare_exchange_weak(entered, entered + 1));
    return true;
}

FIRE_AND_FORGET_ENGINE void pending_limit::leave(std::int64_t places) {
    const std::int64_t left = left_.fetch_add(places) + places; // LIMIT-4
    if (left >= wake_at_.load()) [[unlikely]] {                 // LIMIT-4
        call_first();
    }
}

FIRE_AND_FORGET_ENGINE void pending_limit::call_first() {
    if (wake_at_.exchange(nobody) != nobody) { // one of those that leave now
        const library_lock lock(mutex_);
        places_.notify_one();
    }
}

FIRE_AND_FORGET_ENGINE bool pending_limit::wait_enter(steady_time deadline,
                                                      function_ref<bool()> is_over) {
    const inside_library waiting;
    std::unique_lock lock(mutex_);
    bool is_first = false;
    const scope_guard at_the_end([&] {
        if (is_first) {
            has_first_ = false;
        }
        call_next();
    });
    while (!try_enter()) {
        if (is_over() || steady_clock::now() >= deadline) {
            return false;
        }
        if (is_first || !has_first_) {
            is_first = has_first_ = true;
            wait_as_first(lock, deadline);
        } else {
            wait_until(next_, lock, earlier_of(deadline, deadline_after(look_again_)));
        }
    }
    return true;
}

/// Waits until so many places are free, or for some time. Learns how many to wait for next time.
FIRE_AND_FORGET_ENGINE void pending_limit::wait_as_first(std::unique_lock<std::mutex>& lock,
                                                         steady_time deadline) {
    const steady_time begin = steady_clock::now();
    const std::int64_t before = left_.load();
    const std::int64_t wake_at = entered_.load() - most_ + awaited_;
    wake_at_.store(wake_at);      // LIMIT-4
    if (left_.load() < wake_at) { // LIMIT-4
        const std::chrono::nanoseconds longest =
            awaited_ > 1 ? 2 * stretch : look_again_; // LIMIT-3
        wait_until(places_, lock, earlier_of(deadline, later(begin, longest)));
    }
    wake_at_.store(nobody);
    const std::chrono::nanoseconds waited = steady_clock::now() - begin;
    const std::int64_t come = left_.load() - before;
    const std::int64_t in_stretch = come * std::chrono::nanoseconds(stretch).count() /
                                    std::max<std::int64_t>(waited.count(), 1);
    awaited_ = std::clamp<std::int64_t>(in_stretch, 1, std::max<std::int64_t>(most_ / 2, 1));
}

/// LIMIT-2. Two of them where there is room for two: so many are called soon, by each other.
FIRE_AND_FORGET_ENGINE void pending_limit::call_next() noexcept {
    if (!has_first_) {
        next_.notify_one();
        if (free_places() > 1) {
            next_.notify_one();
        }
    }
}

FIRE_AND_FORGET_ENGINE void pending_limit::wake_all() {
    const library_lock lock(mutex_);
    places_.notify_all();
    next_.notify_all();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
