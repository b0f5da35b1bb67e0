// SPDX-License-Identifier: MIT
#pragma once

// Whether a thread gets on, by the time that it has had a processor: for want of a better source.
// worker_roster.hpp asks for each worker.

#include "abi.hpp"
#include "platform.hpp"
#include "time.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A thread is blocked that has used next to nothing in a stretch of fifty milliseconds: less may
/// also be for want of a processor. Nothing is known before a stretch is over, or if nobody has
/// looked for longer than one.
class cpu_use {
public:
    /// `used` is the processor time of the thread so far.
    thread_activity note(steady_time now, std::chrono::nanoseconds used) noexcept;

    /// The system says that it is blocked. `used` was read before.
    void note_blocked(steady_time now, std::chrono::nanoseconds used) noexcept {
        blocked_at_ = now;
        used_when_blocked_ = used;
    }

    /// Whether it still is: it has not run since. That is relied on for a moment only, because it
    /// may have been woken and wait for a processor; but to ask the system takes 15 times as long.
    bool is_still_blocked(steady_time now, std::chrono::nanoseconds used) const noexcept {
        return used == used_when_blocked_ && now < later(blocked_at_, moment);
    }

    /// The system says that it is at a lock. Whether it has not run for so long that who holds that
    /// must have had a processor meanwhile, however many threads want one.
    bool is_locked_out(steady_time now, std::chrono::nanoseconds used) noexcept;

private:
    static constexpr std::chrono::milliseconds moment{5};
    static constexpr std::chrono::milliseconds many_turns{250};
    static constexpr std::chrono::milliseconds stretch{50};
    static constexpr int least_share = 100; ///< of the time

    void begin(steady_time now, std::chrono::nanoseconds used) noexcept;

    thread_activity known_ = thread_activity::unknown;
    steady_time last_look_{};
    steady_time start_{};
    std::chrono::nanoseconds used_at_start_{};
    steady_time blocked_at_{};
    std::chrono::nanoseconds used_when_blocked_{-1};
    steady_time at_lock_since_{};
    std::chrono::nanoseconds used_at_lock_{-1};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
