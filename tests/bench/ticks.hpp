// SPDX-License-Identifier: MIT
#pragma once

// The clock of single submits. The time stamp counter where there is one: a steady_clock read costs
// as much as what is to be measured. The fences keep the measured code between the two reads.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace faf_bench {

using ticks = std::uint64_t;

#if defined(__x86_64__)
inline ticks ticks_before() noexcept {
    _mm_lfence();
    return __rdtsc();
}

inline ticks ticks_after() noexcept {
    unsigned processor = 0;
    const ticks now = __rdtscp(&processor);
    _mm_lfence();
    return now;
}

inline void cpu_relax() noexcept {
    _mm_pause();
}
#else
inline ticks ticks_before() noexcept {
    return static_cast<ticks>(std::chrono::steady_clock::now().time_since_epoch().count());
}

inline ticks ticks_after() noexcept {
    return ticks_before();
}

inline void cpu_relax() noexcept {}
#endif

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// How long a tick is, and what two reads with nothing between them see.
struct tick_scale {
    double ns_per_tick;
    ticks overhead;

    double overhead_ns() const { return static_cast<double>(overhead) * ns_per_tick; }

    static tick_scale measure() {
        const auto begin = std::chrono::steady_clock::now();
        const ticks first = ticks_before();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const double seconds = seconds_since(begin);
        const ticks last = ticks_after();

        std::array<ticks, 10001> reads{};
        for (ticks& read : reads) {
            const ticks before = ticks_before();
            read = ticks_after() - before;
        }
        const auto middle = reads.begin() + reads.size() / 2;
        std::nth_element(reads.begin(), middle, reads.end());
        return {1e9 * seconds / static_cast<double>(last - first), *middle};
    }
};

} // namespace faf_bench
