// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "elasticity.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE unsigned elasticity::when_at_ease(steady_time now, unsigned idle,
                                                         unsigned extra) noexcept {
    is_saturated_ = false;
    if (extra == 0) {
        window_end_ = {};
        return 0;
    }
    if (window_end_ == steady_time()) {
        least_idle_ = idle;
        window_end_ = later(now, window);
    }
    least_idle_ = idle < least_idle_ ? idle : least_idle_;
    if (now < window_end_) {
        return 0;
    }
    const unsigned leaving = least_idle_ < extra ? least_idle_ : extra;
    least_idle_ = idle;
    window_end_ = later(now, window);
    return leaving;
}

FIRE_AND_FORGET_ENGINE void elasticity::begin_episode(steady_time now) noexcept {
    stuck_since_ = last_hire_ = now;
    step_ = 1;
    has_told_ = false;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
