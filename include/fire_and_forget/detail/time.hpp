// SPDX-License-Identifier: MIT
#pragma once

// Durations, deadlines and waiting for them.

// <chrono> itself is left out on purpose: with its calendars and text streams it costs a sixth of
// what all other headers here cost the compiler. <condition_variable> has to bring the clocks and
// durations along, since its members take them.
#include <condition_variable>
#include <mutex>

namespace faf::detail {

using steady_clock = std::chrono::steady_clock;
using steady_time = steady_clock::time_point;

/// `delay` after `start`; a delay too long for the clock means never, a negative one means at once.
inline steady_time later(steady_time start, std::chrono::nanoseconds delay) noexcept {
    if (delay <= std::chrono::nanoseconds(0)) {
        return start;
    }
    return delay < steady_time::max() - start ? start + delay : steady_time::max();
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

} // namespace faf::detail
