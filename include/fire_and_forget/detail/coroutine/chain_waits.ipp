// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../submit/firing.hpp"
#include "../submit/foreign_call.hpp"
#include "../submit/job.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/resumption.hpp"
#include "../task/task.hpp"
#include "chain.hpp"
#include "chain_waits.hpp"
#include "task_promise.hpp"

#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What a departure that fails returns: the chain stays, and its wait is cancelled.
inline bool stay_refused(chain& here) noexcept {
    here.now().note_refusal();
    return false;
}

FIRE_AND_FORGET_ENGINE bool pass_to(chain& leaving, scheduler* to) noexcept {
    scheduler* const before = leaving.on();
    const kept_scheduler back = leaving.back_to(); // which departing forgets
    if (to == nullptr || !leaving.depart_to(to)) {
        return stay_refused(leaving);
    }
    if (!to->resume_soon(leaving)) {
        leaving.stay_on(before, back);
        return stay_refused(leaving);
    }
    return true;
}

FIRE_AND_FORGET_ENGINE bool move_to_foreign(chain& leaving,
                                            std::shared_ptr<foreign_executor> to) noexcept {
    const std::shared_ptr<foreign_executor> its = to;
    task_ptr packed = its != nullptr ? pack_to_go_on(leaving) : nullptr;
    if (packed == nullptr || !leaving.settle_at(to)) {
        unpack(packed);
        return stay_refused(leaving);
    }
    static_cast<void>(leaving.depart_to(nullptr)); // for which it has the memory by now
    const firing call{nullptr, {}, leaving.where};
    static_cast<void>(hand_over_to([&](job work) { return its->take(job_access::take(work)); },
                                   std::move(packed), call));
    return true; // or it was refused: then that was reported, and it is gone
}

FIRE_AND_FORGET_ENGINE bool move_to_library(chain& leaving, scheduler* to) noexcept {
    std::shared_ptr<foreign_executor> before;
    static_cast<void>(leaving.settle_at(before));
    const bool has_left = pass_to(leaving, to);
    if (!has_left) {
        static_cast<void>(leaving.settle_at(before));
    }
    return has_left;
}

FIRE_AND_FORGET_ENGINE bool until_its_turn::leave(chain& leaving) {
    if (leaving.may_go_elsewhere()) {
        return chain::leave_for_its_own(leaving, nullptr);
    }
    return pass_to(leaving, leaving.next_on());
}

FIRE_AND_FORGET_ENGINE until_due::until_due(chain& of, std::chrono::nanoseconds delay) noexcept {
    of.due = later(of.next_on()->now(), delay);
}

FIRE_AND_FORGET_ENGINE bool until_due::is_cancelled(chain& woken) noexcept {
    if (chain_details* const details = woken.details()) {
        woken.is_watched = false;
        details->watch.reset();
    }
    return woken.is_asked_to_stop() || woken.now().is_refused();
}

FIRE_AND_FORGET_ENGINE bool until_due::leave(chain& sleeper) {
    scheduler* const before = sleeper.on();
    const held_home place = sleeper.next_on();
    scheduler* const on = place;
    stop_token own;
    if (chain_details* const details = sleeper.details()) {
        own = details->of_task.stop;
        if (own.stop_possible()) {
            sleeper.watch = &details->watch.emplace(own, *on, sleeper);
            sleeper.is_watched = true;
        }
    }
    if (sleeper.is_asked_to_stop() || !sleeper.depart_to(on)) {
        return stay_refused(sleeper);
    }
    if (!on->resume_at(sleeper)) {
        sleeper.stay_on(before);
        return stay_refused(sleeper);
    }
    full_fence(); // DELAY-1: the stop may have come before the sleeper was there
    if (own.stop_requested() || on->is_stopping()) {
        on->notice_stop();
    }
    return true;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
