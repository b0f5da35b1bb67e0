// SPDX-License-Identifier: MIT
#pragma once

// Tells whether tasks are taken while some wait. growth.hpp asks at each tick of the keeper.

#include "../platform/abi.hpp"

#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts the ticks without progress. For how long nothing has been taken says more than any mark
/// that a worker has set: the one that set it may have been stopped.
class progress_watch {
public:
    /// In ticks: when others are called, and when nobody without a task is relied on any more.
    static constexpr unsigned too_long = 2;
    static constexpr unsigned far_too_long = 10;

    /// `taken` changes with each task that is taken. Returns how many ticks ago it did, or ago it
    /// was that nobody waited.
    unsigned note(std::uint64_t taken, bool is_any_waiting) noexcept {
        const bool gets_on = std::exchange(taken_before_, taken) != taken;
        const bool has_waited = std::exchange(has_waited_, is_any_waiting);
        if (gets_on || !has_waited || !is_any_waiting) {
            stuck_ = 0;
        } else if (stuck_ < far_too_long) {
            ++stuck_;
        }
        return stuck_;
    }

private:
    std::uint64_t taken_before_ = 0;
    bool has_waited_ = false;
    unsigned stuck_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
