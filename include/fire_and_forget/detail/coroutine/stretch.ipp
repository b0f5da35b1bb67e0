// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "stretch.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE fate chain_account::close(fate how, const scheduler* ran_on,
                                                 task_ptr repeated,
                                                 repetition answer) const noexcept {
    if (home == nullptr || !is_open) { // a task like others
        return is_given_up ? fate::open : how;
    }
    if (repeated != nullptr) {
        home->repeat_after(std::move(repeated), answer);
    }
    const bool is_here = away == nullptr && home == ran_on;
    if (away == nullptr || home->books.note_back(*away)) {
        if (!is_here) {
            home->books.note_end(how);
        }
        home->books.note_closed();
    }
    if (!is_here) {
        home->notice_end();
    }
    if (away != nullptr) {
        home->release_scheduler();
    }
    return is_here ? how : fate::open;
}

FIRE_AND_FORGET_ENGINE running_item* stretch::item() const noexcept {
    running_item* const innermost = this_thread.item;
    if (run_->is_part_of_turn()) { // what that counts is the turn
        return nullptr;
    }
    return innermost != nullptr && innermost->on == &run_->on() ? innermost : nullptr;
}

FIRE_AND_FORGET_ENGINE void stretch::leave_by(departure how, void* awaiter) noexcept {
    leave_ = how;
    awaiter_ = awaiter;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
