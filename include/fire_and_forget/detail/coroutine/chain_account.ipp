// SPDX-License-Identifier: MIT
#pragma once

#include "chain_account.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void chain_account::keep_place() noexcept {
    if (on_ != nullptr && on_->is_stacked()) {
        static_cast<stacked_scheduler*>(on_)->add_user(); // ACCOUNT-3
        keeps_place_ = true;
    }
}

FIRE_AND_FORGET_ENGINE void chain_account::leave_place() noexcept {
    if (std::exchange(keeps_place_, false)) {
        static_cast<stacked_scheduler*>(on_)->remove_user();
    }
}

FIRE_AND_FORGET_ENGINE bool chain_account::is_still_counted() noexcept {
    if (away_ != nullptr && !away_->home->books.note_back(*away_)) {
        is_ended_ = true;
        std::exchange(away_, nullptr)->home->release_scheduler();
    }
    return !is_ended_;
}

FIRE_AND_FORGET_ENGINE void chain_account::open(const scheduler* ran_on) noexcept {
    if (scheduler* const its = home()) {
        open_at(*its, ran_on);
    }
}

FIRE_AND_FORGET_ENGINE void chain_account::open_at(scheduler& its,
                                                   const scheduler* ran_on) noexcept {
    if (!std::exchange(is_open_, true)) {
        if (ran_on == nullptr) {
            its.books.note_accepted();
        }
        its.books.note_opened();
    }
}

FIRE_AND_FORGET_ENGINE bool chain_account::leaves_home_for(const scheduler* to) const noexcept {
    const scheduler* const its = home();
    return away_ == nullptr && its != nullptr && to != its;
}

FIRE_AND_FORGET_ENGINE void chain_account::leave_home(away_entry& away,
                                                      const scheduler* ran_on) noexcept {
    scheduler& left = *on_; // for it was not away
    open_at(left, ran_on);
    left.keep_scheduler(); // ACCOUNT-1
    away.home = &left;
    away.is_back = false;
    away_ = &away;
}

FIRE_AND_FORGET_ENGINE void chain_account::move_to(scheduler* to) noexcept {
    if (away_ != nullptr && to != nullptr && to == home()) {
        is_ended_ = !to->books.note_back(*away_);
        away_ = nullptr;
        to->release_scheduler();
    }
    if (on_ != to) {
        stacked_scheduler* const before =
            std::exchange(keeps_place_, false) ? static_cast<stacked_scheduler*>(on_) : nullptr;
        on_ = to;
        keep_place();
        if (before != nullptr) {
            before->remove_user();
        }
    }
}

FIRE_AND_FORGET_ENGINE void chain_account::note_given_up() noexcept {
    if (scheduler* const its = home(); its != nullptr && is_open_) {
        its->books.note_closed();
    }
    is_ended_ = true; // ACCOUNT-2
}

FIRE_AND_FORGET_ENGINE void chain_account::write_off() noexcept {
    on_->books.note_end(fate::dropped);
    note_given_up();
}

FIRE_AND_FORGET_ENGINE fate chain_account::close(fate how, const scheduler* ran_on,
                                                 task_ptr repeated, repetition answer) noexcept {
    scheduler* const its = home();
    away_entry* const away = std::exchange(away_, nullptr);
    const bool was_ended = std::exchange(is_ended_, true); // ACCOUNT-2
    if (its == nullptr || !is_open_) {                     // a task like others
        return was_ended ? fate::open : how;
    }
    if (repeated != nullptr) {
        its->repeat_after(std::move(repeated), answer);
    }
    const bool is_here = away == nullptr && its == ran_on;
    if (away == nullptr || its->books.note_back(*away)) {
        if (!is_here) {
            its->books.note_end(how);
        }
        its->books.note_closed();
    }
    if (!is_here) {
        its->notice_end();
    }
    if (away != nullptr) {
        its->release_scheduler();
    }
    return is_here ? how : fate::open;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
