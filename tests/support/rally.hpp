// SPDX-License-Identifier: MIT
#pragma once

// Tasks that are fired one by one, each when the one before has run: so that each submit meets a
// worker that runs out of tasks, falls asleep or sleeps.

#include "eventually.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace faf_test {

/// Waits with open eyes.
inline void spin_for(std::chrono::nanoseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
        faf::detail::cpu_relax();
    }
}

/// As eventually(), but at once in the usual case, and without sleeping for long.
template <class Predicate>
bool very_soon(Predicate holds) {
    for (int i = 0; i < 1000; ++i) {
        if (holds()) {
            return true;
        }
        faf::detail::cpu_relax();
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

/// Fires `rounds` tasks with a pause before each; false if one does not run.
template <class Pause>
bool rally(faf::thread_pool& pool, int rounds, Pause pause) {
    std::atomic<int> runs{0};
    for (int round = 1; round <= rounds; ++round) {
        spin_for(pause());
        fire_and_forget(pool, [&runs] { runs.fetch_add(1); });
        if (!very_soon([&] { return runs == round; })) {
            return false;
        }
    }
    return true;
}

} // namespace faf_test
