// SPDX-License-Identifier: MIT
#pragma once

// Durations, deadlines and waiting for them.

#include "abi.hpp"
#include "durations.hpp"
#include "platform.hpp"

#include <condition_variable>
#include <ctime>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using steady_clock = std::chrono::steady_clock;
using steady_time = steady_clock::time_point;

/// The time that does not come.
inline constexpr steady_time never = (steady_time::max)();

/// `delay` after `start`; a delay too long for the clock means never, a negative one means at once.
inline steady_time later(steady_time start, std::chrono::nanoseconds delay) noexcept {
    if (delay <= std::chrono::nanoseconds(0)) {
        return start;
    }
    return start < never - delay ? start + delay : never;
}

steady_time earlier_of(steady_time a, steady_time b) noexcept;

steady_time deadline_after(std::chrono::nanoseconds timeout) noexcept;

/// How long sinks are asked about what could not be done in time: until `deadline`, and at least
/// for a while from the first question on. On a machine under load, even that
/// question may come late.
class sink_time {
public:
    static constexpr std::chrono::milliseconds patience{500};

    explicit sink_time(steady_time deadline, std::chrono::nanoseconds at_least = patience) noexcept
        : asking_{deadline}, waiting_{deadline}, at_least_(at_least) {}

    bool is_left() noexcept { return is_before_end_of(asking_); }

    /// The same for who waits for another thread to get on: that does not use up the sinks' time.
    bool is_left_to_wait() noexcept { return is_before_end_of(waiting_); }

private:
    struct span {
        steady_time end;
        bool has_begun = false;
    };

    bool is_before_end_of(span& one) noexcept;

    span asking_;
    span waiting_;
    std::chrono::nanoseconds at_least_;
};

/// Waits for a notification, or for `deadline`; some systems can't wait for the end of time.
void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                steady_time deadline);

/// Tries for some microseconds: for who must not wait for a thread that has stopped with the lock.
bool try_lock_soon(std::unique_lock<std::mutex>& lock);

/// Waits for a notification piece by piece, so that whoever waits looks again even if it was lost:
/// soon at first, and then ever more rarely.
class slices {
public:
    void next(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
              steady_time deadline);

private:
    static constexpr std::chrono::milliseconds longest{500};
    std::chrono::milliseconds length_{10};
};

/// The time of day, for people to read; nothing is scheduled by it.
struct wall_time {
    std::tm utc{};
    int milliseconds = 0;

    static wall_time now() noexcept;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
