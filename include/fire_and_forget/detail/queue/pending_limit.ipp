// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/cpu_count.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "pending_limit.hpp"

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
    bool has_waited = false;
    const scope_guard at_the_end([&] {
        if (is_first) {
            has_first_ = false;
        }
        call_next();
    });
    bool has_entered = try_enter();
    while (!has_entered) {
        if (is_over()) {
            return false;
        }
        if (steady_clock::now() >= deadline) {
            return try_enter();
        }
        if (is_first || may_be_first(has_waited)) {
            rushes_ = has_waited ? 0 : rushes_ + 1;
            is_first = has_first_ = true;
            wait_as_first(lock, deadline);
            has_entered = try_enter();
        } else {
            wait_in_line(lock, deadline);
        }
        has_waited = true;
    }
    return true;
}

/// Who has just come leaves that to those who have been called; but where places come so quickly
/// that nobody need sleep, to get up would take them longer, and they are let in now and then.
FIRE_AND_FORGET_ENGINE bool pending_limit::may_be_first(bool has_waited) const noexcept {
    const bool may_rush = vain_looks_ == 0 && rushes_ < most_rushes;
    return !has_first_ && (has_waited || in_line_ == 0 || may_rush);
}

FIRE_AND_FORGET_ENGINE void pending_limit::wait_in_line(std::unique_lock<std::mutex>& lock,
                                                        steady_time deadline) {
    ++in_line_;
    const scope_guard at_the_end([this] { --in_line_; });
    wait_until(next_, lock, earlier_of(deadline, deadline_after(look_again_)));
}

FIRE_AND_FORGET_ENGINE void pending_limit::wait_as_first(std::unique_lock<std::mutex>& lock,
                                                         steady_time deadline) {
    const steady_time begin = steady_clock::now();
    const std::int64_t before = left_.load();
    const std::int64_t wake_at = entered_.load() - most_ + awaited_;
    if (vain_looks_ % 8 == 0 && !has_one_cpu()) {
        lock.unlock();
        const bool is_vain = !look_for(wake_at);
        lock.lock();
        if (is_vain) {
            ++vain_looks_;
            return; // what it waits for may be over meanwhile
        }
        vain_looks_ = 0;
    } else {
        ++vain_looks_;
        wake_at_.store(wake_at);      // LIMIT-4
        if (left_.load() < wake_at) { // LIMIT-4
            const std::chrono::nanoseconds longest =
                awaited_ > 1 ? 2 * stretch : look_again_; // LIMIT-3
            wait_until(places_, lock, earlier_of(deadline, later(begin, longest)));
        }
        wake_at_.store(nobody);
    }
    learn_from(left_.load() - before, steady_clock::now() - begin);
}

FIRE_AND_FORGET_ENGINE bool pending_limit::look_for(std::int64_t wake_at) const noexcept {
    const steady_time end = deadline_after(glance);
    do {
        for (unsigned i = 0; i < looks_per_clock; ++i) {
            if (left_.load(std::memory_order_relaxed) >= wake_at) {
                return true;
            }
            cpu_relax();
        }
    } while (steady_clock::now() < end);
    return false;
}

/// How many places to wait for next time. Not for most of them: the other tasks are run while the
/// one that is woken gets up.
FIRE_AND_FORGET_ENGINE void pending_limit::learn_from(std::int64_t came,
                                                      std::chrono::nanoseconds in) noexcept {
    const std::int64_t in_stretch =
        came * std::chrono::nanoseconds(stretch).count() / (in.count() > 1 ? in.count() : 1);
    const std::int64_t most = most_ / 8 * 3;
    const std::int64_t wanted = in_stretch < most ? in_stretch : most;
    awaited_ = wanted > 1 ? wanted : 1;
}

/// LIMIT-2. Two where half of all places are free: so many are called soon, by each other.
FIRE_AND_FORGET_ENGINE void pending_limit::call_next() noexcept {
    if (!has_first_) {
        next_.notify_one();
        if (free_places() > most_ / 2) {
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
