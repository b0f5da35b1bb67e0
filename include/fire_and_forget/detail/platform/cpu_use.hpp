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

private:
    static constexpr std::chrono::milliseconds stretch{50};
    static constexpr int least_share = 100; ///< of the time

    void begin(steady_time now, std::chrono::nanoseconds used) noexcept;

    thread_activity known_ = thread_activity::unknown;
    steady_time last_look_{};
    steady_time start_{};
    std::chrono::nanoseconds used_at_start_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
