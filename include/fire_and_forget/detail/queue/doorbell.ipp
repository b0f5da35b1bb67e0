// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "doorbell.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void doorbell::begin(std::uint32_t sleepers) noexcept {
    word_.store(sleepers, std::memory_order_relaxed);
}

FIRE_AND_FORGET_ENGINE bool doorbell::try_ring() noexcept {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    do {
        if ((word & all_sleepers) == 0 || (word & (looking | ringing)) != 0) {
            return false;
        }
    } while (!word_.compare_exchange_weak(word, word | ringing)); // BELL-6
    return true;
}

FIRE_AND_FORGET_ENGINE void doorbell::call_one() noexcept {
    epoch_.fetch_add(1); // BELL-4
    stress_point();
    epoch_.notify_one();
}

FIRE_AND_FORGET_ENGINE void doorbell::call_all() noexcept {
    epoch_.fetch_add(1); // BELL-4
    epoch_.notify_all();
    call_napper();
}

FIRE_AND_FORGET_ENGINE void doorbell::call_napper() noexcept {
    if (has_looker()) {
        nap_.call(); // ALARM-1
    }
}

FIRE_AND_FORGET_ENGINE doorbell::turn doorbell::try_look() noexcept {
    if ((word_.load(std::memory_order_relaxed) & looking) != 0) {
        return turn::of_another;
    }
    return (word_.fetch_or(looking) & looking) == 0 ? turn::mine : turn::of_another; // BELL-5
}

FIRE_AND_FORGET_ENGINE void doorbell::fall_asleep(turn whose) noexcept { // BELL-1
    const std::uint32_t cleared = ringing | (whose == turn::mine ? looking : 0);
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, (word & ~cleared) + 1)) { // BELL-6
    }
    stress_point();
}

FIRE_AND_FORGET_ENGINE doorbell::turn doorbell::look_or_fall_asleep() noexcept { // BELL-1
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    bool is_free = false;
    do {
        is_free = (word & looking) == 0;
    } while (!word_.compare_exchange_weak(word, is_free ? word | looking : (word & ~ringing) + 1));
    stress_point();
    return is_free ? turn::mine : turn::of_another;
}

FIRE_AND_FORGET_ENGINE doorbell::turn doorbell::wake_up() noexcept {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, ((word - 1) & ~ringing) | looking)) { // BELL-6
    }
    return (word & looking) == 0 ? turn::mine : turn::of_another;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
