// SPDX-License-Identifier: MIT
#pragma once

// How many workers a pool should have: a policy, without threads and without a clock. growth.hpp
// tells it at each tick of the keeper what it sees, and hires and dismisses accordingly.

#include "../platform/abi.hpp"
#include "../platform/time.hpp"

#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Keeps as many workers able to work as the pool was made for. Those that are blocked are made up
/// for, up to the most there may be; those that are too many when all is quiet leave.
///
/// Rules  When tasks wait, nobody is free and nobody has taken a task for a tick, but for those
///        that were hired meanwhile: as long as fewer can run than the pool was made for, one more
///        is hired, and twice as many with each further tick, 32 at most and not more than tasks
///        wait. A hundred tasks that block at once have their threads after some 40 ms, and one
///        that blocks now and then gets one.
///        When enough can run, the waiting tasks are simply many, and more threads would not help.
///        Still one more comes every half second without progress: what keeps the processor may be
///        waiting in a loop for a task behind it.
///        Those that were asleep for half a second without a break, and are too many, leave.
class elasticity {
public:
    elasticity(unsigned base, unsigned most, std::chrono::nanoseconds starvation_after) noexcept
        : base_(base), most_(most), starvation_after_(starvation_after) {}

    /// What a tick saw while tasks wait and no worker is free.
    struct sight {
        steady_time now;
        std::uint64_t taken = 0;   ///< tasks that workers have taken so far
        std::uint64_t hired = 0;   ///< workers that were hired so far
        std::uint64_t waiting = 0; ///< tasks
        unsigned threads = 0;
    };

    struct verdict {
        unsigned to_hire = 0;
        bool is_starving = false; ///< nobody gets on, nobody may be hired, and it was not said yet
    };

    /// `can_run(n)` answers how many workers are not known to be blocked; it may
    /// stop counting at n.
    template <class CanRun>
    verdict when_saturated(const sight& seen, CanRun can_run) {
        least_idle_ = 0;
        window_end_ = later(seen.now, window);
        const std::uint64_t by_new_ones = seen.hired - hired_before_;
        const bool is_getting_on = !is_saturated_ || seen.taken - taken_before_ > by_new_ones;
        is_saturated_ = true;
        taken_before_ = seen.taken;
        hired_before_ = seen.hired;
        if (is_getting_on) {
            begin_episode(seen.now);
            return {};
        }
        if (seen.threads >= most_) {
            const bool is_long =
                starvation_after_.count() > 0 && later(stuck_since_, starvation_after_) <= seen.now;
            return {0, is_long && !std::exchange(has_told_, true)};
        }
        unsigned wanted = 0;
        if (can_run(base_) < base_) {
            wanted = step_;
            step_ = step_ < most_at_once ? 2 * step_ : step_;
        } else if (later(last_hire_, patience) <= seen.now) {
            wanted = 1;
        }
        if (wanted > 0) {
            last_hire_ = seen.now;
        }
        const std::uint64_t room = most_ - seen.threads;
        const std::uint64_t useful = seen.waiting < room ? seen.waiting : room;
        return {wanted < useful ? wanted : static_cast<unsigned>(useful), false};
    }

    /// Otherwise: how many of the `idle` ones, who sleep, are to leave. `extra` are too many.
    unsigned when_at_ease(steady_time now, unsigned idle, unsigned extra) noexcept;

    /// Since when nobody has got on. After when_saturated() only.
    steady_time stuck_since() const noexcept { return stuck_since_; }

private:
    static constexpr unsigned most_at_once = 32;
    static constexpr std::chrono::milliseconds patience{500};
    static constexpr std::chrono::milliseconds window{500};

    void begin_episode(steady_time now) noexcept;

    const unsigned base_;
    const unsigned most_;
    const std::chrono::nanoseconds starvation_after_;

    bool is_saturated_ = false;
    std::uint64_t taken_before_ = 0;
    std::uint64_t hired_before_ = 0;
    steady_time stuck_since_{};
    steady_time last_hire_{};
    unsigned step_ = 1;
    bool has_told_ = false;

    unsigned least_idle_ = 0;
    steady_time window_end_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
