// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "member_frame.hpp"
#include "task_set.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE stop_token member_frame::token() const {
    if (own == nullptr || !own->stop_possible()) {
        return set->token();
    }
    if (*both == nullptr) {
        *both = std::make_unique<linked_stop_source>(*own, set->token());
    }
    return (*both)->get_token();
}

FIRE_AND_FORGET_ENGINE bool is_among(const task_set& set, const member_frame* innermost) noexcept {
    while (innermost != nullptr && innermost->set != &set &&
           !inside_a_member_of(set, innermost->awaited_in)) {
        innermost = innermost->outer;
    }
    return innermost != nullptr;
}

FIRE_AND_FORGET_ENGINE bool inside_a_member_of(const task_set& set,
                                               const task_frame* task) noexcept {
    while (task != nullptr && !is_among(set, task->members)) {
        task = task->outer;
    }
    return task != nullptr;
}

FIRE_AND_FORGET_ENGINE bool inside_a_member_of(const task_set& set) noexcept {
    return inside_a_member_of(set, this_thread.running);
}

FIRE_AND_FORGET_ENGINE bool runs_a_member_of(const task_set& set) noexcept {
    return this_thread.running != nullptr && is_among(set, this_thread.running->members);
}

FIRE_AND_FORGET_ENGINE bool inside_a_turn_of(const scheduler& it, const task_frame* task) noexcept {
    for (; task != nullptr; task = task->outer) {
        const member_frame* const members = task->members;
        if (task->via == &it || (members != nullptr && inside_a_turn_of(it, members->awaited_in))) {
            return true;
        }
    }
    return false;
}

FIRE_AND_FORGET_ENGINE awaited_inside::awaited_inside(const task_frame* by_thread,
                                                      const member_frame* by_members) noexcept
    : is_any_(by_thread != nullptr || by_members != nullptr) {
    if (!is_any_) {
        return;
    }
    both_.outer = by_members;
    both_.awaited_in = by_thread;
    frame_.members = &both_;
    enter_uncounted(frame_);
}

FIRE_AND_FORGET_ENGINE awaited_inside::~awaited_inside() {
    if (is_any_) {
        leave_frame(this_thread.running, frame_.outer);
    }
}

FIRE_AND_FORGET_ENGINE end_of_member::end_of_member(const member_frame* of) noexcept {
    frame_.members = of;
    enter_uncounted(frame_);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
