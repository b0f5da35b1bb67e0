// SPDX-License-Identifier: MIT
#pragma once

// The inside of the task_scope of ../../task_scope.hpp: an executor on top of another one, which
// fires what it is given as members of a set, and waits for them.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/stop_callback.hpp"
#include "../platform/time.hpp"
#include "../submit/any_core.hpp"
#include "../submit/firing.hpp"
#include "../submit/untyped_call.hpp"
#include "../task/membership.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct member_box;

/// Invariants  SCOPE-1  The mutex guards the list of cohorts, who waits, and which cohort is the
///                      current one. While it is held no user code runs.
///             SCOPE-2  Members come into the current cohort only, and what sinks hold comes from a
///                      member. So who finds the other cohorts empty, then the current one, then no
///                      sink held, all under the mutex, knows that all are gone.
class scope_core final : public task_set {
public:
    /// It is asked to stop with the set that `on` belongs to, if any.
    explicit scope_core(any_core on);
    scope_core(const scope_core&) = delete;
    scope_core& operator=(const scope_core&) = delete;

    /// Asks all to stop and waits for them. Not in one of them: that ends the program.
    ~scope_core();

    // What an executor's core is asked ------------------------------------------------------------

    submission fire(const untyped_call& call);
    refusal accept(task_ptr& task);
    void note_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }
    scheduler* home() const noexcept { return on_.home(); }
    any_core bottom() const noexcept { return on_.bottom(); }
    task_set* set() noexcept { return this; }
    refusal_sink refused_to() const noexcept { return on_.refused_to(); }

    // The owner's side ----------------------------------------------------------------------------

    /// False if that took longer, or from inside a member.
    bool drain_until(steady_time deadline) { return drain_until(deadline, on_.home()); }

    /// The same where the executor may be gone: whose tasks the thread may run meanwhile, if any.
    bool drain_until(steady_time deadline, scheduler* home);

    /// Whether it is quiet now.
    bool has_gone() const noexcept;

    listening listen(quiet_listener& one) noexcept override;
    bool stop_listening(quiet_listener& one) noexcept override;

    void request_stop();

    /// Returns how many will not run. Throws std::bad_alloc, and nothing is cancelled then, if
    /// members are left of all cancellations before and there is no memory for one more.
    std::uint64_t cancel_pending();

    /// The same for a set into which nobody will come any more; takes no memory. True if any will
    /// not run, of this call or an earlier one.
    bool cancel_for_good();

    scope_stats snapshot() const;

    bool is_inside() const noexcept { return inside_a_member_of(*this); }

    // What stands on it

    refusal enroll(task_ptr& task) override;
    void withdraw(task_ptr& task) noexcept override;

    // Members ask

    stop_token token() const noexcept override { return stop_.get_token(); }
    void let_last_leave(cohort& its, member_stage at) noexcept override;

private:
#if defined(__cpp_lib_jthread)
    struct stopper {
        scope_core* of;
        void operator()() const noexcept { of->request_stop(); }
    };
    using around = stop_callback<stopper>;
#else
    struct around {};
#endif

    class held_sink;
    class waiter;

    bool is_in_its_process() const noexcept {
        return generation_ == generation_here();
    }
    refusal why_not_open() const noexcept;
    membership enter() noexcept;
    submission fire_small(const untyped_call& call, membership entered);
    submission fire_boxed(const untyped_call& call, membership entered);
    refusal take_in(task_ptr& task, refusal (any_core::*below)(task_ptr&) const);
    refusal make_member(task_ptr& task, membership entered);
    static void unmake_member(task_ptr& task) noexcept;
    stop_token stop_of_waiting(member_box& box, cohort& its);
    void stop_of_cohort(const cohort& its);
    cohort& next_cohort();
    bool is_quiet() const noexcept;
    void begin_wait() noexcept;
    void end_wait() noexcept;
    void set_awaited(bool is_awaited) noexcept;

    const any_core on_;
    const std::uint32_t generation_ = generation_here();
    stop_source stop_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::uint64_t> refused_{0};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint32_t waiting_ = 0;
    quiet_listener* listeners_ = nullptr; ///< all of them wait as one
    std::uint64_t cancelled_ = 0;

    cohort first_{*this};
    cohort sinks_{*this}; ///< a begun member for each sink that may still be called
    cohort* cohorts_ = &first_;
    std::atomic<cohort*> current_{&first_};
    std::optional<around> around_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
