// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/thread_state.hpp"
#include "../task/scheduler.hpp"
#include "../task/task_run.hpp"
#include "chain.hpp"
#include "chain_details.hpp"
#include "stretch.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE stretch::~stretch() {
    attempt([&] { destroy_chain(); }, [] {}); // no run is left that could report what that throws
    if (is_over_ && !is_settled_) { // it ends its thread by force, whose executor counts a failure
        const scheduler* const here = ran_on_;
        if (settle(fate::failed) == fate::open && here != nullptr) {
            here->books.note_accepted(); // of what is no task of its own
        }
    }
}

FIRE_AND_FORGET_ENGINE void stretch::attach(task_run& by) noexcept {
    run_ = &by;
    ran_on_ = is_job_ ? nullptr : by.home();
    of_->now_ = this; // CHAIN-1
}

/// What it belongs to may be gone when it has left, but this thread may still come to others' code.
FIRE_AND_FORGET_ENGINE bool stretch::try_leave() {
    const member_frame* const members = run_->members();
    run_->set_members(nullptr);
    if (awaited_ != nullptr) {
        awaited_->hide();
    }
    if (std::exchange(leave_, nullptr)(*of_, awaiter_)) {
        return true;
    }
    run_->set_members(members);
    if (awaited_ != nullptr) {
        awaited_->show();
    }
    return false;
}

FIRE_AND_FORGET_ENGINE void stretch::go() {
    for (;;) {
        if (leave_ != nullptr && try_leave()) {
            of_ = nullptr; // CHAIN-1
            run_->has_left();
            return;
        }
        of_->next_.resume();
        if (has_returned_) {
            type_.look(*of_, *run_);
            return;
        }
    }
}

FIRE_AND_FORGET_ENGINE fate stretch::settle(fate how, repetition answer) noexcept {
    if (!is_over_) {
        return fate::open;
    }
    is_settled_ = true;
    task_ptr repeated = details_ != nullptr ? std::move(details_->repeated) : nullptr;
    const fate counted = account_.close(how, ran_on_, std::move(repeated), answer);
    account_.leave_place();
    return counted;
}

FIRE_AND_FORGET_ENGINE void stretch::destroy_chain() {
    if (chain* const over = std::exchange(of_, nullptr)) {
        account_ = over->account_; // which it needs no more
        is_over_ = true;
        details_ = std::move(over->details_);
        if (over->next_link_ != nullptr) {
            over->destroy_awaited();
        }
        type_.destroy(*over);
    }
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
