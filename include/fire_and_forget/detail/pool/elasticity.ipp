// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "elasticity.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned
elasticity::when_at_ease(steady_time now, unsigned idle, unsigned extra) noexcept {
    note_free();
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

[[gnu::cold]] FIRE_AND_FORGET_ENGINE steady_time elasticity::next_look() const noexcept {
    const std::chrono::nanoseconds shortest = pause();
    const steady_time soon = later(last_look_, shortest);
    const steady_time too_long =
        grow_after_.count() > 0 && has_waiting_ && may_grow_
            ? (later(noted_at_, grow_after_) < soon ? soon : later(noted_at_, grow_after_))
            : never;
    const auto third = (last_look_ - hurried_since_) / 3;
    const steady_time next = later(last_look_, third < shortest ? shortest : third);
    return earlier_of(too_long, may_grow_ && third < usual_pause ? next : never);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::uint64_t
elasticity::have_waited_too_long(const sight& seen, bool is_new) noexcept {
    if (grow_after_.count() <= 0) {
        return 0;
    }
    const bool is_over = later(noted_at_, grow_after_) <= seen.now;
    const std::uint64_t left =
        taken_if_soon_ > seen.taken + first_takes_ ? taken_if_soon_ - seen.taken - first_takes_ : 0;
    if (is_new || left == 0 || (is_over && left <= most_at_once)) {
        noted_at_ = seen.now;
        taken_if_soon_ = seen.taken + seen.waiting;
    }
    return is_over && !is_new ? least(left, seen.waiting) : 0;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool elasticity::gets_on(const sight& seen) noexcept {
    const std::uint64_t fresh = seen.hired - std::exchange(hired_before_, seen.hired);
    const std::uint64_t before = std::exchange(taken_before_, seen.taken);
    const std::uint64_t taken =
        seen.taken > before ? seen.taken - before : 0; // read while it moves
    const bool was_saturated = std::exchange(is_saturated_, true);
    const bool result = !was_saturated || taken > first_takes_ + fresh;
    first_takes_ = result ? 0 : first_takes_ + fresh - taken;
    has_come_ = has_come_ || fresh > 0;
    has_waiting_ = was_saturated && has_waiting_;
    hurried_since_ = was_saturated ? hurried_since_ : seen.now;
    last_look_ = seen.now;
    may_grow_ = seen.threads < most_;
    return result;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void elasticity::begin_episode(steady_time now) noexcept {
    stuck_since_ = last_hire_ = now;
    step_ = 1;
    has_told_ = false;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
