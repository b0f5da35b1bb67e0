// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/attempt.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "foreign_call.hpp"
#include "untyped_call.ipp"

#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE refusal hand_over_to(function_ref<refusal(job)> execute, task_ptr task,
                                            const firing& call) {
    if (task->due != steady_time() || task->repeats()) {
        return call.refuse(refusal::invalid_options, "this executor has no timers");
    }
    task->begin_waiting(steady_clock::now());
    const hand_over frame;
    task->number = frame.number();
    task->is_handed_over = true;
    refusal answer = refusal::none;
    refusal reported = refusal::none;
    attempt([&] { answer = execute(job_access::make(std::move(task))); },
            [&] {
                if (frame.is_dropped()) {
                    reported = call.refuse_for_exception(refusal::executor_failed);
                } else { // it has run or will run, whatever the executor threw afterwards
                    call.tell_exception();
                }
            });
    if (!frame.is_dropped() || reported != refusal::none) {
        return reported;
    }
    return call.refuse(answer != refusal::none ? answer : refusal::executor_failed);
}

/// Has the coroutine of `made` stay with its executor; null, and `why`, if that can't be.
FIRE_AND_FORGET_ENGINE std::shared_ptr<foreign_executor>
make_stay(task_ptr& made, function_ref<std::shared_ptr<foreign_executor>()> keep,
          const firing& call, refusal& why) {
    std::shared_ptr<foreign_executor> kept;
    attempt(
        [&] {
            kept = keep();
            if (kept == nullptr) {
                why = call.refuse(refusal::invalid_options,
                                  "a coroutine stays with its executor, and this is a temporary "
                                  "one that can't be moved");
                return;
            }
            made->own_details().stays_with = kept;
        },
        [&] { why = call.refuse_for_exception(refusal::copy_threw); });
    return why == refusal::none ? kept : nullptr;
}

FIRE_AND_FORGET_ENGINE submission
fire_at_foreign(const untyped_call& fired, function_ref<refusal(job)> execute,
                function_ref<std::shared_ptr<foreign_executor>()> keep) {
    if (is_inside_library()) [[unlikely]] {
        return submission(refusal::in_signal_handler);
    }
    refusal why = refusal::none;
    const firing call = make_firing(fired.given, {}, fired.where);
    task_ptr task = can_be_fired(fired, call, why) ? make_task(fired, call, why) : nullptr;
    if (task == nullptr) {
        return submission(why);
    }
    if (!fired.how.is_awaited) {
        return submission(hand_over_to(execute, std::move(task), call));
    }
    const std::shared_ptr<foreign_executor> kept = make_stay(task, keep, call, why);
    if (kept != nullptr) {
        why = hand_over_to([&](job work) { return kept->take(job_access::take(work)); },
                           std::move(task), call);
    }
    return submission(why);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
