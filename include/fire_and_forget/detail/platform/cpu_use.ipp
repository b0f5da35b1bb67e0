// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "cpu_use.hpp"
#include "platform.hpp"
#include "time.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE thread_activity cpu_use::note(steady_time now,
                                                     std::chrono::nanoseconds used) noexcept {
    const bool is_news = now - last_look_ >= stretch || used < used_at_start_;
    last_look_ = now;
    if (is_news) {
        known_ = thread_activity::unknown;
        begin(now, used);
    } else if (now - start_ >= stretch) {
        const bool has_run = (used - used_at_start_) * least_share >= now - start_;
        known_ = has_run ? thread_activity::able : thread_activity::blocked;
        begin(now, used);
    }
    return known_;
}

FIRE_AND_FORGET_ENGINE bool cpu_use::is_locked_out(steady_time now,
                                                   std::chrono::nanoseconds used) noexcept {
    if (std::exchange(used_at_lock_, used) != used) {
        at_lock_since_ = now;
    }
    return later(at_lock_since_, many_turns) <= now;
}

FIRE_AND_FORGET_ENGINE void cpu_use::begin(steady_time now,
                                           std::chrono::nanoseconds used) noexcept {
    start_ = now;
    used_at_start_ = used;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
