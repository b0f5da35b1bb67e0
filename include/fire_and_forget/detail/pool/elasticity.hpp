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
/// Rules  When tasks wait, nobody is free and nobody has taken a task since the last look, but for
///        those that were hired meanwhile: as long as fewer can run than the pool was made for, one
///        more is hired, and twice as many with each further look, 32 at most and not more than
///        tasks wait.
///        When enough can run, the waiting tasks are simply many, and more threads would not help.
///        Still one more comes every half second without progress: what keeps the processor may be
///        waiting in a loop for a task behind it.
///        Where tasks may wait for so long only (`grow_after`), each that has gets a thread,
///        whoever runs: when nobody is free, what waits is noted, and what of it has not been taken
///        when the time is over has waited too long. Then what waits is noted anew.
///        Those that were asleep for half a second without a break, and are too many, leave.
/// Pace   From the moment at which nobody is free any more, and after each hiring, looks come soon
///        and then ever more rarely, each after a third as long again: a task behind some that have
///        been blocked for three milliseconds waits for one. In the end the keeper's ticks are
///        enough, so that a pool that is simply busy is left alone. A hundred tasks that block at
///        once have their threads after some 3 ms, and one that blocks now and then gets one.
///        Looks come sooner still while all are known to be blocked and there are enough for what
///        waits: so of tasks that come one after the other, and block as well, each has its thread
///        after some 0.1 ms.
class elasticity {
public:
    elasticity(unsigned base, unsigned most, std::chrono::nanoseconds starvation_after,
               std::chrono::nanoseconds grow_after = {}) noexcept
        : base_(base), most_(most), starvation_after_(starvation_after), grow_after_(grow_after) {}

    /// Looks that follow each other sooner are one: nobody could have got on.
    static constexpr std::chrono::microseconds soonest{250};

    /// The same while nobody has got on for that long, and what comes needs somebody new. Twice as
    /// long made each such start half as long again, as if processors had gone to sleep meanwhile.
    static constexpr std::chrono::microseconds soonest_for_next{25};

    /// What a look saw while no worker is free.
    struct sight {
        steady_time now;
        std::uint64_t taken = 0;   ///< tasks that workers have taken so far
        std::uint64_t hired = 0;   ///< workers that were hired so far
        std::uint64_t waiting = 0; ///< tasks; if none does, the next one may be hired for at once
        unsigned threads = 0;
    };

    struct verdict {
        unsigned to_hire = 0;
        bool is_starving = false; ///< nobody gets on, nobody may be hired, and it was not said yet
    };

    /// `can_run(n)` answers how many workers are not known to be blocked; it may
    /// stop counting at n.
    template <class CanRun>
    [[gnu::cold]] verdict when_saturated(const sight& seen, CanRun can_run) {
        least_idle_ = 0;
        window_end_ = later(seen.now, window);
        if (is_saturated_ && seen.now < later(last_look_, pause())) {
            return {};
        }
        const bool is_new = !is_saturated_;
        const bool is_getting_on = gets_on(seen);
        const std::uint64_t too_long = have_waited_too_long(seen, is_new);
        const bool had_waiting = std::exchange(has_waiting_, seen.waiting > 0);
        are_blocked_ = are_blocked_ && !is_getting_on;
        are_enough_ = seen.waiting <= first_takes_;
        if (is_getting_on || !had_waiting) {
            begin_episode(seen.now);
        }
        if (too_long > 0 && seen.threads < most_) {
            note_hiring(seen.now);
            return {
                static_cast<unsigned>(least(too_long, least(most_at_once, most_ - seen.threads))),
                false};
        }
        if (is_getting_on || !has_waiting_) {
            return {};
        }
        if (seen.threads >= most_) {
            const bool is_long =
                starvation_after_.count() > 0 && later(stuck_since_, starvation_after_) <= seen.now;
            return {0, is_long && !std::exchange(has_told_, true)};
        }
        return {make_up(seen, can_run), false};
    }

    /// Somebody is free. Between two ticks; at a tick when_at_ease() says that too.
    void note_free() noexcept { is_saturated_ = false; }

    /// At a tick otherwise: how many of the `idle` ones, who sleep, are to leave. `extra` are too
    /// many.
    unsigned when_at_ease(steady_time now, unsigned idle, unsigned extra) noexcept;

    /// When some may be to leave, if nothing happens until then. After when_at_ease().
    steady_time end_of_window() const noexcept { return window_end_; }

    /// When to look again, after when_saturated(); never if a tick will do.
    steady_time next_look() const noexcept;

    /// Since when nobody has got on. After when_saturated() only.
    steady_time stuck_since() const noexcept { return stuck_since_; }

private:
    static constexpr unsigned most_at_once = 32;
    static constexpr std::chrono::milliseconds patience{500};
    static constexpr std::chrono::milliseconds window{500};
    static constexpr std::chrono::milliseconds usual_pause{5};

    static constexpr std::uint64_t least(std::uint64_t a, std::uint64_t b) noexcept {
        return a < b ? a : b;
    }

    /// How many to hire for tasks that wait although all are kept.
    template <class CanRun>
    [[gnu::cold]] unsigned make_up(const sight& seen, CanRun& can_run) {
        const bool may_come = seen.now < later(last_hire_, usual_pause); // new ones take a moment
        const std::uint64_t coming = may_come ? first_takes_ : 0;
        if (seen.waiting <= coming) {
            return 0;
        }
        unsigned wanted = 0;
        are_blocked_ = can_run(base_) < base_;
        if (are_blocked_) {
            wanted = step_;
            step_ = step_ < most_at_once ? 2 * step_ : step_;
            hurried_since_ = has_come_ ? seen.now : hurried_since_;
        } else if (later(last_hire_, patience) <= seen.now) {
            wanted = 1;
        }
        if (wanted > 0) {
            note_hiring(seen.now);
        }
        const std::uint64_t useful = least(seen.waiting - coming, most_ - seen.threads);
        are_enough_ = seen.waiting - coming <= wanted;
        return static_cast<unsigned>(least(wanted, useful));
    }

    /// Of the tasks that wait: how many did so when as long as is allowed has passed, but for those
    /// that new workers are to take.
    std::uint64_t have_waited_too_long(const sight& seen, bool is_new) noexcept;

    std::chrono::microseconds pause() const noexcept {
        return are_blocked_ && are_enough_ ? soonest_for_next : soonest;
    }

    void note_hiring(steady_time now) noexcept {
        last_hire_ = now;
        has_come_ = false;
    }

    /// Notes the look; whether tasks were taken since the last one by others than new workers.
    bool gets_on(const sight& seen) noexcept;

    void begin_episode(steady_time now) noexcept;

    const unsigned base_;
    const unsigned most_;
    const std::chrono::nanoseconds starvation_after_;
    const std::chrono::nanoseconds grow_after_; ///< 0: never for this reason

    bool is_saturated_ = false;
    bool has_waiting_ = false;
    bool may_grow_ = false;
    bool are_blocked_ = false; ///< all but those that were hired because of that
    bool are_enough_ = false;  ///< those that have been hired, for all that waits
    steady_time last_look_{};
    steady_time hurried_since_{}; ///< when nobody was free any more, or the last were hired
    std::uint64_t taken_before_ = 0;
    std::uint64_t hired_before_ = 0;
    std::uint64_t first_takes_ = 0; ///< that new workers are still to do
    bool has_come_ = true;          ///< somebody who was to be hired last
    steady_time stuck_since_{};
    steady_time last_hire_{};
    unsigned step_ = 1;
    bool has_told_ = false;

    steady_time noted_at_{};          ///< how much waits
    std::uint64_t taken_if_soon_ = 0; ///< as many, when all that was noted has been taken

    unsigned least_idle_ = 0;
    steady_time window_end_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
