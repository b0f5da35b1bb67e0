// SPDX-License-Identifier: MIT
#pragma once

// A task that keeps its worker busy for a given time.

#include "ticks.hpp"

#include <chrono>

namespace faf_bench {

inline void be_busy_for(ticks length) noexcept {
    const ticks begin = ticks_before();
    while (ticks_before() - begin < length) {
    }
}

inline ticks ticks_in(std::chrono::nanoseconds time, const tick_scale& scale) {
    return static_cast<ticks>(static_cast<double>(time.count()) / scale.ns_per_tick);
}

} // namespace faf_bench
