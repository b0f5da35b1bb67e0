// SPDX-License-Identifier: MIT
#pragma once

// The set of tasks of a scope, from its owner's side: asks them to stop, takes back what has not
// begun, and waits until all are gone. scope_core.hpp makes its members; how they are
// counted is in ../task/cohort.hpp.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/time.hpp"
#include "../task/cohort.hpp"
#include "../task/member_frame.hpp"
#include "../task/scheduler.hpp"
#include "../task/task_set.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// It knows no executor and no task, only how many there are: a member is a `membership`, which
/// who has it may keep wherever he likes. The set must be there until the last has ended.
///
/// Members come into the current cohort. To take back all that has not begun is to cancel that and
/// to go on with another one, which has been used before if one of those is empty by now.
///
/// Invariants  SCOPE-1  The mutex guards the list of cohorts, who waits, and which cohort is the
///                      current one. While it is held no user code runs.
///             SCOPE-2  Members come into the current cohort only, and what sinks hold comes from a
///                      member. So who finds the other cohorts empty, then the current one, then no
///                      sink held, all under the mutex, knows that all are gone.
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

    membership enter() noexcept;

    /// For what a member has besides, and may be used when that is gone. It has begun.
    membership enter_sink() noexcept;

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

    /// Waits until it is quiet. The thread runs tasks of `home` meanwhile, if it is one of those
    /// that do; null: it is not. False if that took longer, from inside of a member, and in a turn
    /// that others have to wait for.
    bool drain_until(steady_time deadline, scheduler* home);

    listening listen(quiet_listener& one) noexcept override;
    bool stop_listening(quiet_listener& one) noexcept override;

    // Members ask ---------------------------------------------------------------------------------

    stop_token token() const noexcept override { return stop_.get_token(); }
    void let_last_leave(cohort& its, member_stage at) noexcept override;

private:
    class waiter;

    void stop_waiting_of(const cohort& its);
    cohort& next_cohort();
    bool is_quiet() const noexcept;
    void begin_wait() noexcept;
    void end_wait() noexcept;
    void set_awaited(bool is_awaited) noexcept;

    const std::uint32_t generation_ = generation_here();
    stop_source stop_;
    std::atomic<bool> is_stopping_{false};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint32_t waiting_ = 0;
    quiet_listener* listeners_ = nullptr; ///< all of them wait as one
    std::uint64_t cancelled_ = 0;

    cohort first_{*this};
    cohort sinks_{*this}; ///< a begun member for each sink that may still be called
    cohort* cohorts_ = &first_;
    std::atomic<cohort*> current_{&first_};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
