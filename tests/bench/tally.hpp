// SPDX-License-Identifier: MIT
#pragma once

// The work of the measured tasks, and how a benchmark learns that all of them have run. Each worker
// counts in a cache line of its own, so that the counting costs the same few cycles whoever runs
// the task; the waiter adds the lines up, seldom enough not to disturb.

#include "ticks.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <sys/prctl.h>

namespace faf_bench {

struct alignas(128) tally_line {
    std::atomic<std::uint64_t> count{0};
};

inline constexpr unsigned tally_size = 64;
inline constexpr unsigned last_tally_line = tally_size - 1;
inline std::array<tally_line, tally_size> tally_lines{};
inline std::atomic<unsigned> tally_threads{0};
inline constinit thread_local unsigned my_tally_line = tally_size;

inline void count(std::uint64_t step) noexcept {
    if (my_tally_line == tally_size) {
        my_tally_line = std::min(tally_threads.fetch_add(1), last_tally_line);
    }
    std::atomic<std::uint64_t>& mine = tally_lines[my_tally_line].count;
    if (my_tally_line == last_tally_line) { // where threads come and go, most of them share it
        mine.fetch_add(step, std::memory_order_release);
    } else {
        mine.store(mine.load(std::memory_order_relaxed) + step, std::memory_order_release);
    }
}

inline std::uint64_t tally() noexcept {
    const unsigned used = std::min(tally_threads.load(std::memory_order_relaxed), tally_size);
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < used; ++i) {
        sum += tally_lines[i].count.load(std::memory_order_acquire);
    }
    return sum;
}

/// The task that everybody runs: 32 bytes of capture, all of them read.
struct work {
    std::uint64_t step = 1;
    std::uint64_t first = 5;
    std::uint64_t second = 6;
    std::uint64_t third = 3;

    void operator()() const noexcept { count(step + (first ^ second ^ third)); }
};
static_assert(sizeof(work) == 32);

/// For short waits: the caller's core stays awake, and is given up to a worker that needs it.
inline void await_busily(std::uint64_t target) {
    for (unsigned look = 1; tally() < target; ++look) {
        if (look % 256 == 0) {
            std::this_thread::yield();
        } else {
            cpu_relax();
        }
    }
}

/// For long waits: sleeps, so that the workers have the cores to themselves. How long follows from
/// what is left, so that waking late adds less than a hundredth to what is measured.
inline void await_asleep(std::uint64_t target) {
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (std::uint64_t done = tally(); done < target; done = tally()) {
        const std::uint64_t left_ns = (target - done) * 10;
        std::this_thread::sleep_for(
            std::chrono::nanoseconds(std::clamp<std::uint64_t>(left_ns, 10'000, 1'000'000)));
    }
}

} // namespace faf_bench
