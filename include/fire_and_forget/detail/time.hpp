// SPDX-License-Identifier: MIT
#pragma once

// Durations, deadlines and waiting for them.

#include "abi.hpp"
#include "platform.hpp"

// <chrono> itself is left out on purpose: with its calendars and text streams it costs a sixth of
// what all other headers here cost the compiler. <condition_variable> has to bring the clocks and
// durations along, since its members take them.
#include <condition_variable>
#include <ctime>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using steady_clock = std::chrono::steady_clock;
using steady_time = steady_clock::time_point;

/// `delay` after `start`; a delay too long for the clock means never, a negative one means at once.
inline steady_time later(steady_time start, std::chrono::nanoseconds delay) noexcept {
    if (delay <= std::chrono::nanoseconds(0)) {
        return start;
    }
    return delay < steady_time::max() - start ? start + delay : steady_time::max();
}

inline steady_time earlier_of(steady_time a, steady_time b) noexcept {
    return b < a ? b : a;
}

inline steady_time deadline_after(std::chrono::nanoseconds timeout) noexcept {
    return later(steady_clock::now(), timeout);
}

/// Waits for a notification, or for `deadline`; some systems can't wait for the end of time.
inline void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                       steady_time deadline) {
    if (deadline == steady_time::max()) {
        changed.wait(lock);
    } else {
        changed.wait_until(lock, deadline);
    }
}

/// The time of day, for people to read; nothing is scheduled by it.
struct wall_time {
    std::tm utc{};
    int milliseconds = 0;

    static wall_time now() noexcept {
        using std::chrono::milliseconds;
        const auto now = std::chrono::system_clock::now();
        const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
        const auto past = now - std::chrono::system_clock::from_time_t(seconds);
        // to_time_t may round up; then the second has not begun yet
        const auto fraction = std::chrono::duration_cast<milliseconds>(past).count();
        return {utc_of(seconds), static_cast<int>(fraction < 0 ? 0 : fraction)};
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
