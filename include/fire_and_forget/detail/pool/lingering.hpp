// SPDX-License-Identifier: MIT
#pragma once

// Whether a worker that has run out of tasks stays near instead of sleeping: a policy, without
// threads and without a clock. worker_loop.hpp tells it when tasks are found.

#include "../platform/abi.hpp"
#include "../platform/time.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// While tasks keep coming, some milliseconds apart at most, it pays that one worker wakes up now
/// and then: then no caller has to wake it. What is rarer than that is not waited for.
///
/// Rules  Tasks keep coming while the mean of the gaps between finds, of which the last counts for
///        a quarter, is below 4 ms. A gap counts for 8 ms at most, so after a long pause it takes
///        three tasks until one is waited for.
///        It is given up when none has come for 10 ms.
///        A nap takes as long as is asked for, or an eighth of the time since the last find if that
///        is more: so what comes late starts late, but each pause costs some naps only.
///        To look before the first nap pays if a task was found so last time, or came while
///        another one waited for the end of a nap.
class lingering {
public:
    static constexpr std::chrono::milliseconds longest_stay{10};

    enum class found : std::uint8_t { looking, napping_one, napping_more };

    /// A task was found that a caller has stored.
    void note(steady_time now, found how) noexcept {
        const std::chrono::nanoseconds gap = now - last_find_;
        mean_gap_ += ((gap < long_gap ? gap : long_gap) - mean_gap_) / 4;
        last_find_ = now;
        look_pays_ = how != found::napping_one;
    }

    bool does_look_pay() const noexcept { return look_pays_; }

    bool is_worth_it(steady_time now) const noexcept {
        return mean_gap_ < short_gap && now - last_find_ < longest_stay;
    }

    std::chrono::nanoseconds nap(steady_time now, std::chrono::nanoseconds asked) const noexcept {
        const std::chrono::nanoseconds share = (now - last_find_) / 8;
        return asked < share ? share : asked;
    }

private:
    static constexpr std::chrono::nanoseconds short_gap{4'000'000};
    static constexpr std::chrono::nanoseconds long_gap{8'000'000};

    steady_time last_find_{};
    std::chrono::nanoseconds mean_gap_ = long_gap;
    bool look_pays_ = true;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
