// SPDX-License-Identifier: MIT
#pragma once

// How many tasks a worker takes out of a lane at once: a policy, without a clock.

#include "../platform/abi.hpp"
#include "../platform/time.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Twice as many as last time, up to a whole block, as long as what was taken last was done soon;
/// else one. So only short tasks are taken together: what stands behind a long one is left in its
/// lane, where any worker finds it, and what should go first does not wait for long.
///
/// Workers that take from the same lane then are in blocks of their own. In runs of 16 they were
/// side by side in one: tasks that fire tasks took a quarter as long again.
class run_length {
public:
    static constexpr std::uint32_t most = 64; ///< more than a block has
    static constexpr std::chrono::microseconds soon{20};

    std::uint32_t next(steady_time now) const noexcept {
        if (now - last_ >= soon) {
            return 1;
        }
        return length_ < most / 2 ? 2 * length_ : most;
    }

    /// What next() allowed at `now` was taken.
    void take(steady_time now, std::uint32_t length) noexcept {
        last_ = now;
        length_ = length;
    }

private:
    steady_time last_{};
    std::uint32_t length_ = 1;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
