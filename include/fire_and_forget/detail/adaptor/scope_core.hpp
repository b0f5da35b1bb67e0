// SPDX-License-Identifier: MIT
#pragma once

// The inside of the task_scope of ../../task_scope.hpp: an executor on top of another one, which
// makes what it is given a member of a set (member_set.hpp), and hands it on.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/stop_callback.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/time.hpp"
#include "../submit/any_core.hpp"
#include "../submit/firing.hpp"
#include "../submit/set_door.hpp"
#include "../submit/untyped_call.hpp"
#include "../task/cohort.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "drain.hpp"
#include "member_set.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A member is a task of the executor below whose closure is a membership with the closure that was
/// fired inside (member_closure.hpp). A call takes one of three ways there:
///
///     what is small and has no options to keep    a small_member, in a slot if it fits
///     any other call                              a boxed_member
///     a task that has been made elsewhere         a boxed_member that carries the whole task
///
/// What is refused leaves nothing behind: no member, and a task that was made elsewhere is what it
/// was.
class scope_core final : public set_door {
public:
    /// It is asked to stop with the set that `on` belongs to, if any.
    explicit scope_core(any_core on);
    scope_core(const scope_core&) = delete;
    scope_core& operator=(const scope_core&) = delete;

    /// Asks all to stop and waits for them. Not in one of them: that ends the program.
    ~scope_core();

    member_set& members() noexcept { return members_; }
    const member_set& members() const noexcept { return members_; }

    /// False if it took longer, or from inside a member.
    bool drain_until(steady_time deadline) { return drain(members_, deadline, on_.home()); }

    scope_stats snapshot() const;

    // What an executor's core is asked ------------------------------------------------------------

    submission fire(const untyped_call& call);
    refusal accept(task_ptr& task);
    void note_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }
    scheduler* home() const noexcept { return on_.home(); }
    any_core bottom() const noexcept { return on_.bottom(); }
    set_door* set() noexcept { return this; }
    refusal_sink refused_to() const noexcept { return on_.refused_to(); }

    // What stands on it asks ----------------------------------------------------------------------

    refusal enroll(task_ptr& task) override;
    void withdraw(task_ptr& task) noexcept override;
    stop_token token() const noexcept override { return members_.token(); }

private:
    struct stopper {
        member_set* of;
        void operator()() const noexcept { of->request_stop(); }
    };
    using around = stop_callback<stopper>;

    submission fire_small(const untyped_call& call, membership entered);
    submission fire_boxed(const untyped_call& call, membership entered);
    refusal take_in(task_ptr& task, refusal (any_core::*below)(task_ptr&) const);
    refusal make_member(task_ptr& task, membership entered);
    static void unmake_member(task_ptr& task) noexcept;

    const any_core on_;
    std::atomic<std::uint64_t> refused_{0};
    member_set members_;
    std::optional<around> around_; ///< stops the set with the one outside
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
