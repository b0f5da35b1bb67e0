// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "platform.hpp"
#include "time.hpp"

#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE steady_time earlier_of(steady_time a, steady_time b) noexcept {
    return b < a ? b : a;
}

FIRE_AND_FORGET_ENGINE steady_time deadline_after(std::chrono::nanoseconds timeout) noexcept {
    return later(steady_clock::now(), timeout);
}

FIRE_AND_FORGET_ENGINE bool sink_time::is_before_end_of(span& one) noexcept {
    const steady_time now = steady_clock::now();
    if (!std::exchange(one.has_begun, true)) {
        const steady_time its_end = later(now, at_least_);
        one.end = one.end < its_end ? its_end : one.end;
    }
    return now < one.end;
}

FIRE_AND_FORGET_ENGINE void wait_until(std::condition_variable& changed,
                                       std::unique_lock<std::mutex>& lock, steady_time deadline) {
    if (deadline == never) {
        changed.wait(lock);
    } else if (steady_clock::now() < deadline) { // some systems take another clock, and overflow
        changed.wait_until(lock, deadline);
    }
}

[[gnu::cold, gnu::noinline]] FIRE_AND_FORGET_ENGINE bool
try_lock_soon(std::unique_lock<std::mutex>& lock) {
    bool is_locked = lock.try_lock();
    for (unsigned tries = 1; tries < 100 && !is_locked; ++tries) {
        std::this_thread::yield();
        is_locked = lock.try_lock();
    }
    return is_locked;
}

FIRE_AND_FORGET_ENGINE void slices::next(std::condition_variable& changed,
                                         std::unique_lock<std::mutex>& lock, steady_time deadline) {
    wait_until(changed, lock, earlier_of(deadline, deadline_after(length_)));
    length_ = length_ < longest ? 2 * length_ : length_;
}

FIRE_AND_FORGET_ENGINE wall_time wall_time::now() noexcept {
    using std::chrono::milliseconds;
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto past = now - std::chrono::system_clock::from_time_t(seconds);
    // to_time_t may round up; then the second has not begun yet
    const auto fraction = std::chrono::duration_cast<milliseconds>(past).count();
    return {utc_of(seconds), static_cast<int>(fraction < 0 ? 0 : fraction)};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
