// SPDX-License-Identifier: MIT
#pragma once

// How much before its time a thread asks to be woken, because the system takes a while. keeper.hpp
// does.

#include "abi.hpp"
#include "durations.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// As long as the system has taken at least, of late: who asks that much earlier is hardly ever
/// early, and then waits for its time in a loop.
class head_start {
public:
    static constexpr std::chrono::microseconds most{25};

    std::chrono::nanoseconds length() const noexcept { return length_; }

    /// A sleep has lasted `longer` than was asked for. Learns at once that less will do, and slowly
    /// that more is needed.
    void note(std::chrono::nanoseconds longer) noexcept {
        const std::chrono::nanoseconds better =
            longer < length_ ? longer : length_ + (longer - length_) / 16;
        length_ = better < most ? better : most;
    }

private:
    std::chrono::nanoseconds length_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
