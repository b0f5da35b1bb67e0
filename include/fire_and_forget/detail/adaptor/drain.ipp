// SPDX-License-Identifier: MIT
#pragma once

#include "drain.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../pool/helping.hpp"

#include <condition_variable>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A wait of a thread that helps: the less it finds to run, the longer it naps before it looks for
/// more.
class backoff_wait {
public:
    explicit backoff_wait(member_set& of) noexcept : its_(of) {}

    bool is_over() const noexcept { return its_.is_over(); }

    /// For who has run all tasks that there were, and is to look for others soon.
    void nap(steady_time deadline) {
        its_.sleep([&](std::condition_variable& changed, std::unique_lock<std::mutex>& lock) {
            const steady_time end = later(steady_clock::now(), shortest_nap * (1 << naps_));
            wait_until(changed, lock, earlier_of(deadline, end));
        });
        naps_ += naps_ < most_naps ? 1 : 0;
    }
    void forget_naps() noexcept { naps_ = 0; }
    bool has_napped() const noexcept { return naps_ > 0; }

    void sleep(steady_time deadline) {
        its_.sleep([&](std::condition_variable& changed, std::unique_lock<std::mutex>& lock) {
            pieces_.next(changed, lock, deadline);
        });
    }

private:
    static constexpr std::chrono::microseconds shortest_nap{20};
    static constexpr int most_naps = 6; ///< of which each is twice as long as the one before

    quiet_wait its_;
    slices pieces_;
    int naps_ = 0;
};

/// Whether so many tasks run inside of each other that the stack should not grow by others if that
/// can be helped.
FIRE_AND_FORGET_ENGINE bool is_deep() noexcept {
    constexpr int deep = 32;
    int depth = 0;
    for (const task_frame* one = this_thread.running; one != nullptr; one = one->outer) {
        ++depth;
    }
    return depth > deep;
}

/// Runs tasks of `home` on the calling thread, which can't go on before `is_over()`.
FIRE_AND_FORGET_ENGINE helped help_at(scheduler& home, reach how_far,
                                      function_ref<bool()> is_over) {
    pool* const its = home.pool_of_worker();
    return its != nullptr ? helping(*its).help(how_far, is_over) : home.help(how_far, is_over);
}

FIRE_AND_FORGET_ENGINE bool drain(member_set& all, steady_time deadline, scheduler* home) {
    if (all.is_inside() || !all.is_in_its_process()) {
        return false;
    }
    backoff_wait self(all);
    if (home != nullptr && home->waits_for_this_thread()) {
        return self.is_over();
    }
    while (!self.is_over()) {
        const reach how_far = is_deep() && !self.has_napped() ? reach::own : reach::all;
        const helped came_to = home != nullptr
                                   ? help_at(*home, how_far, [&] { return self.is_over(); })
                                   : helped::nowhere;
        if (!all.is_in_its_process()) {
            return false;
        }
        const bool is_late = deadline <= steady_clock::now();
        if (came_to == helped::by_some || (!is_late && abandonment::go_on())) {
            self.forget_naps();
            continue;
        }
        if (is_late || (came_to == helped::by_hand && deadline < never)) {
            return self.is_over();
        }
        came_to == helped::nowhere ? self.sleep(deadline) : self.nap(deadline);
    }
    return true;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
