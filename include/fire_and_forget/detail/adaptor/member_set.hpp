// SPDX-License-Identifier: MIT
#pragma once

// The set of tasks of a scope, from its owner's side: asks them to stop, takes back what has not
// begun, and knows when all are gone. scope_core.hpp makes its members, cohort_list.hpp counts
// them, and drain.hpp waits for them.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/stop_token.hpp"
#include "../task/cohort.hpp"
#include "../task/member_frame.hpp"
#include "../task/task_set.hpp"
#include "cohort_list.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// It knows no executor and no task, only how many there are: a member is a `membership`, which
/// who has it may keep wherever he likes. The set must be there until the last has ended.
///
/// Invariants  SCOPE-1  The mutex guards the cohorts, but for what members call, and who waits.
///                      While it is held no user code runs.
class member_set final : public counted_set {
public:
    member_set() : stop_(make_stop_source()) {}
    member_set(const member_set&) = delete;
    member_set& operator=(const member_set&) = delete;

    /// It must be quiet, or not in its process.
    ~member_set();

    bool is_in_its_process() const noexcept { return generation_ == generation_here(); }

    /// Whether the calling thread is inside of a member.
    bool is_inside() const noexcept { return inside_a_member_of(*this); }

    // Who comes in --------------------------------------------------------------------------------

    /// Whether it takes no more from this thread: when it has been asked to stop, only members may
    /// fire others.
    refusal why_not_open() const noexcept;

    membership enter() noexcept { return cohorts_.enter(); }

    /// For what a member has besides, and may be used when that is gone. It has begun.
    membership enter_sink() noexcept { return cohorts_.enter_sink(); }

    /// Asked to stop when a member of `its` that waits for its time is to wait no longer.
    stop_token stop_of_waiting(cohort& its);

    // The owner's side ----------------------------------------------------------------------------

    void request_stop();

    /// Returns how many will not run. Throws std::bad_alloc, and nothing is cancelled then, if
    /// members are left of all cancellations before and there is no memory for one more.
    std::uint64_t cancel_pending();

    /// The same for a set into which nobody will come any more; takes no memory. True if any will
    /// not run, of this call or an earlier one.
    bool cancel_for_good();

    /// All but what was refused.
    scope_stats snapshot() const;

    /// Whether it is quiet now.
    bool has_gone() const noexcept;

    listening listen(quiet_listener& one) noexcept override;
    bool stop_listening(quiet_listener& one) noexcept override;

    // Members ask ---------------------------------------------------------------------------------

    stop_token token() const noexcept override { return stop_.get_token(); }
    void let_last_leave(cohort& its, member_stage at) noexcept override;

private:
    friend class quiet_wait;

    void stop_waiting_of(const cohort& its);
    void begin_wait() noexcept;
    void end_wait() noexcept;

    const std::uint32_t generation_ = generation_here();
    kept_stop_source stop_;
    std::atomic<bool> is_stopping_{false};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint32_t waiting_ = 0;
    quiet_listener* listeners_ = nullptr; ///< all of them wait as one
    cohort_list cohorts_{*this};
};

/// A wait of a thread, as long as it lives: the member that leaves last wakes it.
class quiet_wait {
public:
    explicit quiet_wait(member_set& of) noexcept;
    ~quiet_wait();
    quiet_wait(const quiet_wait&) = delete;
    quiet_wait& operator=(const quiet_wait&) = delete;

    bool is_over() const noexcept;

    /// Has `once` wait for a notification, with the lock held, if it is not over.
    template <class Wait>
    void sleep(Wait once) {
        const inside_library waiting;
        std::unique_lock lock(of_.mutex_);
        if (!of_.cohorts_.are_empty()) {
            once(of_.changed_, lock);
        }
    }

private:
    member_set& of_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
