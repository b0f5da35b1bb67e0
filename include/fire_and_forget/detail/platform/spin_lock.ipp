// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "asymmetric_barrier.hpp"
#include "spin_lock.hpp"

#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void spin_lock::wait() noexcept {
    constexpr int patience = 100; // loops, a few times what its owner needs
    do {
        for (int i = 0; is_held_.load(std::memory_order_relaxed); ++i) {
            i < patience ? cpu_relax() : std::this_thread::yield();
        }
    } while (is_held_.exchange(true, std::memory_order_acquire));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
