// SPDX-License-Identifier: MIT
#pragma once

// What stands behind a task_handle of ../../cancellable.hpp: a set that has one task.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../submit/any_core.hpp"
#include "../submit/untyped_call.hpp"
#include "../task/scheduler.hpp"
#include "drain.hpp"
#include "scope_core.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The handles share it with the task, which lets go of it when nothing of the task is left.
class cancellable_core final : public quiet_listener {
public:
    explicit cancellable_core(const any_core& on);
    cancellable_core(const cancellable_core&) = delete;
    cancellable_core& operator=(const cancellable_core&) = delete;
    ~cancellable_core();

    /// Fires at `on`, which is needed no longer than this call. Null if that refuses.
    static std::shared_ptr<cancellable_core> fire(const any_core& on, const untyped_call& call,
                                                  submission& answer);

    bool cancel() { return scope_.members().cancel_for_good(); }
    void request_stop() { scope_.members().request_stop(); }
    bool is_done() const noexcept { return scope_.members().has_gone(); }

    /// False if it took longer, or from inside of the task.
    bool wait_until(steady_time deadline) { return drain(scope_.members(), deadline, home_); }

private:
    void hold_until_done(const std::shared_ptr<cancellable_core>& self);

    scheduler* const home_; ///< kept, for the owner of a pool may go before a handle
    std::shared_ptr<cancellable_core> held_; ///< *this, as long as there is something of the task
    scope_core scope_;
};

/// One call that answers with a handle, as what it is fired at.
class cancellable_call {
public:
    explicit cancellable_call(const any_core& on) noexcept : on_(on) {}

    submission fire(const untyped_call& call) {
        submission answer;
        made = cancellable_core::fire(on_, call, answer);
        return answer;
    }

    std::shared_ptr<cancellable_core> made{};

private:
    const any_core& on_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
