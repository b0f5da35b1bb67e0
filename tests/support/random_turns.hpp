// SPDX-License-Identifier: MIT
#pragma once

// For stress tests of one source file: included before anything else, it makes the lanes' blocks
// tiny and has the library's threads lose their turns where that would hurt most.

#define FIRE_AND_FORGET_STRESS

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/asymmetric_barrier.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

void stress_point() noexcept {
    static constinit std::atomic<std::uint32_t> seeds{0};
    static constinit thread_local std::uint32_t state = 0;
    if (state == 0) {
        state = seeds.fetch_add(0x9E37'79B9U, std::memory_order_relaxed) | 1U;
    }
    state ^= state << 13U;
    state ^= state >> 17U;
    state ^= state << 5U;
    if (state % 512 == 0) {
        std::this_thread::yield();
    } else if (state % 16 == 0) {
        for (std::uint32_t i = 0; i < state >> 25U; ++i) {
            cpu_relax();
        }
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
