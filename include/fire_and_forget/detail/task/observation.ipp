// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "host.hpp"
#include "observation.hpp"
#include "task.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Calls an observer.
[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void tell_observer(const call_site& where, action call) {
    const cancellation_deferred whole;
    attempt(call, [&] {
        const exception_description thrown;
        error_report about = make_report(failure::hook_failed, where, "task_observer");
        thrown.add_to(about);
        report(about, nullptr, nullptr);
    });
}

FIRE_AND_FORGET_ENGINE observation::~observation() {
    if (is_heard_of_) {
        tell_observer({}, [&] { by_.gone(context_); });
    }
}

FIRE_AND_FORGET_ENGINE observed_task observation::describe(const stored_task& task) const noexcept {
    return {or_empty(task.name), task.where, task.due != steady_time() ? task.due : fired_};
}

FIRE_AND_FORGET_ENGINE bool observation::fire(const stored_task& task) {
    const observed_task about = describe(task);
    tell_observer(task.where, [&] {
        context_ = by_.fired(about);
        is_heard_of_ = true;
    });
    return is_heard_of_;
}

FIRE_AND_FORGET_ENGINE void observation::begin(const stored_task& task) {
    const observed_task about = describe(task);
    tell_observer(task.where, [&] { by_.begin(about, context_); });
}

FIRE_AND_FORGET_ENGINE void observation::end(const stored_task& task, run_result result) {
    const observed_task about = describe(task);
    tell_observer(task.where, [&] { by_.end(about, context_, result); });
}

FIRE_AND_FORGET_ENGINE void observe(task_node& task, task_observer& by) {
    attempt(
        [&] {
            constexpr library_allocator<observation> inside;
            task.own_details().seen =
                std::allocate_shared<observation>(inside, by, steady_clock::now());
        },
        [] {});
    if (task.details != nullptr && task.details->seen != nullptr &&
        !task.details->seen->fire(task_in(task))) {
        task.details->seen.reset();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
