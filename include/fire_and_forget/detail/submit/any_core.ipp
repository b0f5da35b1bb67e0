// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/attempt.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/observation.hpp"
#include "../task/resumption.hpp"
#include "any_core.hpp"
#include "diversion.hpp"
#include "firing.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE any_core any_core::or_elsewhere(const pool_door& meant) const noexcept {
    const diversion::use elsewhere(meant);
    return elsewhere ? *elsewhere : *this;
}

FIRE_AND_FORGET_ENGINE any_core
any_core::or_elsewhere(const own_threads_door& meant) const noexcept {
    const diversion::use elsewhere(meant);
    return elsewhere ? *elsewhere : *this;
}

FIRE_AND_FORGET_ENGINE void any_core::observe(task_node& task) const {
    task_observer* const by = observer();
    if (by != nullptr && task.type != &resumption_type) {
        detail::observe(task, *by);
    }
}

FIRE_AND_FORGET_ENGINE void any_core::note_refused() const noexcept {
    if (table_->note_refused != nullptr) {
        table_->note_refused(target_);
    }
}

FIRE_AND_FORGET_ENGINE refusal any_core::accept(task_ptr& task) const {
    if (table_->accept != nullptr) {
        return table_->accept(target_, task);
    }
    task->begin_waiting(steady_clock::now());
    if (task->is_delayed || task->repeats()) {
        return refusal::invalid_options;
    }
    const firing call{nullptr, {}, task->where};
    const hand_over fresh;
    const hand_over* under_way = task->is_handed_over ? hand_over::find(task->number) : nullptr;
    // Else it is somebody else's executor that hands it on, and the call at that is told, if any.
    if (under_way == nullptr && !(task->is_handed_over && task->number == hand_over::no_number)) {
        under_way = &fresh;
        task->number = fresh.number();
        task->is_handed_over = true;
    }
    refusal answer = refusal::none;
    attempt([&] { answer = execute(job_access::make(std::move(task))); },
            [&] { call.tell_exception(); });
    if (under_way == nullptr || !under_way->is_dropped()) {
        return refusal::none; // or it was dropped, and reported
    }
    return answer != refusal::none ? answer : refusal::executor_failed;
}

FIRE_AND_FORGET_ENGINE refusal any_core::start_turn(suspended& turn) const {
    turn.is_accepted = table_->start_turn == nullptr;
    if (!turn.is_accepted) {
        return table_->start_turn(target_, turn);
    }
    return start_as_task(*this, turn);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
