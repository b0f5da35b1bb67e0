// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "cohort.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

// Members -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool cohort::begin() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    do {
        if ((now & cancelled) != 0) {
            return false;
        }
    } while (!word_.compare_exchange_weak(now, now - waiting, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)); // COHORT-1
    return true;
}

FIRE_AND_FORGET_ENGINE bool cohort::begin_again_later() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    do {
        if ((now & cancelled) != 0) {
            return false;
        }
    } while (!word_.compare_exchange_weak(now, now + waiting, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)); // COHORT-1
    return true;
}

FIRE_AND_FORGET_ENGINE void cohort::leave(member_stage at) noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    do {
        if ((now & awaited) != 0 && (now & all) == one) { // COHORT-2
            set.let_last_leave(*this, at);
            return;
        }
        stress_point();
    } while (!word_.compare_exchange_weak(now, less_by(at, now),
                                          std::memory_order_release, // COHORT-5
                                          std::memory_order_relaxed));
}

// The set -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool cohort::leave_under_lock(member_stage at) noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(now, less_by(at, now), std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
    }
    return (less_by(at, now) & all) == 0;
}

FIRE_AND_FORGET_ENGINE std::uint32_t cohort::cancel() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(now, (now & ~all_waiting) | cancelled,
                                        std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
    return waiting_in(now);
}

FIRE_AND_FORGET_ENGINE bool cohort::try_renew() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    return (now & (all | all_waiting)) == 0 &&
           word_.compare_exchange_strong(now, now & awaited, std::memory_order_acq_rel,
                                         std::memory_order_relaxed); // COHORT-4
}

FIRE_AND_FORGET_ENGINE void cohort::set_awaited(bool is_awaited) noexcept {
    if (is_awaited) {
        word_.fetch_or(awaited, std::memory_order_acq_rel);
    } else {
        word_.fetch_and(~awaited, std::memory_order_acq_rel);
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
