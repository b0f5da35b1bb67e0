// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "loaded_module.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "signals.hpp"
#include "thread_state.hpp"

#include <cstdint>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE std::uint32_t generation_here() noexcept {
    fork_care::look_for_end();
    return process_generation.load(std::memory_order_relaxed);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void fork_care::begin() noexcept {
    // Neither a function's static nor a lock: a child that is forked in the middle of it must be
    // able to do it again. So whoever is at it is known by the process, and doing it twice does
    // no harm.
    constexpr long done = -1;
    long seen = state.load(std::memory_order_acquire);
    while (seen != done) {
        const long me = process_number();
        if (seen == me) {
            std::this_thread::yield();
            seen = state.load(std::memory_order_acquire);
        } else if (state.compare_exchange_weak(seen, me, std::memory_order_acquire)) {
            watch_forks(&before, &after_in_parent, &after_in_child);
            state.store(done, std::memory_order_release);
            return;
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void fork_care::before() noexcept {
    if (!std::exchange(this_thread.is_forking, true)) {
        settings_mutex.value.lock();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void fork_care::after_in_parent() noexcept {
    if (std::exchange(this_thread.is_forking, false)) {
        settings_mutex.value.unlock();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void fork_care::after_in_child() noexcept {
    after_in_parent();
    process_generation.fetch_add(1, std::memory_order_relaxed); // there is no other thread
    default_pool_at_hand.store(nullptr, std::memory_order_relaxed);
    this_thread.lanes = nullptr;
    this_thread.lane = nullptr;
    this_thread.all_lanes = nullptr;
    this_thread.of_library = nullptr; // it is the child's main
    this_thread.is_watched = false;
    leave_library_mask();
}

FIRE_AND_FORGET_ENGINE void fork_care::look_for_end() noexcept {
    if (end_of_other_threads::has_come() && !is_over.exchange(true, std::memory_order_relaxed)) {
        after_in_child();
    }
}

FIRE_AND_FORGET_ENGINE settings_lock::settings_lock() noexcept : is_mine_(!this_thread.is_forking) {
    fork_care::begin();
    if (is_mine_) {
        settings_mutex.value.lock();
    }
}

FIRE_AND_FORGET_ENGINE settings_lock::~settings_lock() {
    if (is_mine_) {
        settings_mutex.value.unlock();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
