// SPDX-License-Identifier: MIT
#pragma once

// How a chain goes on at an executor of somebody else's, or in the thread that ends its wait.

#include "../platform/abi.hpp"
#include "../platform/attempt.ipp"
#include "../platform/function_ref.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../submit/diversion.hpp"
#include "../submit/firing.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/resumption.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "chain.hpp"

#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool chain::settle_at(std::shared_ptr<foreign_executor>& place) noexcept {
    if (place == nullptr && details_ == nullptr) {
        return true;
    }
    if (!make_details()) {
        return false;
    }
    if (place != nullptr) {
        details_->back_to = kept_scheduler();
    }
    details_->of_task.stays_with.swap(place);
    return true;
}

FIRE_AND_FORGET_ENGINE bool chain::leave_for_its_own(chain& leaving, void*) {
    static_cast<void>(leaving.depart_to(nullptr)); // for which it has the memory
    leaving.hand_over_to_its_own();
    return true;
}

FIRE_AND_FORGET_ENGINE bool chain::may_go_elsewhere() const noexcept {
    return is_settled_elsewhere() &&
           (this_thread.handing_over == nullptr || details_->of_task.stays_with->runs_later);
}

FIRE_AND_FORGET_ENGINE away_entry* chain::leave_home() noexcept {
    const bool leaves = may_go_elsewhere() && account_.leaves_home_for(nullptr);
    return leaves ? &leave(nullptr) : nullptr;
}

FIRE_AND_FORGET_ENGINE void chain::go_on_from(scheduler& at) {
    if (may_go_elsewhere()) {
        leave_library();
        hand_over_to_its_own();
    } else if (!at.resume_soon(*this)) {
        abandon(*this, "its executor closed while it waited for something else");
    }
}

FIRE_AND_FORGET_ENGINE bool chain::go_on_here(scheduler& at, function_ref<void()> left) {
    if (this_thread.goes_on_here || !make_details()) {
        return false;
    }
    leave_library_till_back_at(at);
    left();
    this_thread.goes_on_here = true;
    const scope_guard at_the_end([] { this_thread.goes_on_here = false; });
    resumption here{this};
    static_cast<void>(run_task(here.task(), foreign_host()));
    return true;
}

/// While it is suspended, by who has it.
FIRE_AND_FORGET_ENGINE void chain::leave_library() noexcept {
    static_cast<void>(move_to(nullptr, nullptr)); // for which it has the memory
    is_guest = account_.is_guest();
}

/// The same with details, to run on this thread. Unless it stays elsewhere it waits at `at` next.
FIRE_AND_FORGET_ENGINE void chain::leave_library_till_back_at(scheduler& at) noexcept {
    if (!is_settled_elsewhere()) {
        details_->back_to = kept_scheduler(at);
    }
    leave_library();
}

FIRE_AND_FORGET_ENGINE void chain::hand_over_to_its_own() {
    const std::shared_ptr<foreign_executor> to = details_->of_task.stays_with;
    const firing call{nullptr, {}, where};
    task_ptr packed = pack_to_go_on(*this);
    if (packed == nullptr) {
        abandon(*this, "there was no memory for the job by which its executor goes on with it");
        return;
    }
    const hand_over under_way;
    attempt_here([&] { static_cast<void>(to->take(std::move(packed))); },
                 [&] { call.tell_exception(); });
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
