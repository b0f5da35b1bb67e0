// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../submit/diversion.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/member_frame.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "../task/task_run.hpp"
#include "chain.hpp"
#include "chain_details.hpp"
#include "stretch.hpp"

#include <coroutine>
#include <new>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void chain::set_next(std::coroutine_handle<> frame,
                                            frame_link& link) noexcept {
    next_ = frame;
    next_link_ = &link;
}

FIRE_AND_FORGET_ENGINE held_home chain::next_on() const noexcept {
    if (on() != nullptr) {
        return held_home(*on());
    }
    kept_scheduler back = back_to();
    return back.get() != nullptr ? held_home(std::move(back)) : held_home();
}

FIRE_AND_FORGET_ENGINE kept_scheduler chain::back_to() const noexcept {
    scheduler* const back = details_ != nullptr ? details_->back_to.get() : nullptr;
    return back != nullptr ? kept_scheduler(*back) : kept_scheduler();
}

FIRE_AND_FORGET_ENGINE bool chain::depart_to(scheduler* to) noexcept {
    if (running_item* const item = now_->item(); item != nullptr && !item->pass_on(*item)) {
        account_.note_given_up();
    }
    const scheduler* const ran_on = now_->ran_on();
    if (!move_to(to, ran_on)) {
        stay_on(on());
        return false;
    }
    account_.open(ran_on);
    is_guest = account_.is_guest();
    if (task_node* const repeated = now_->run().lend()) {
        details_->repeated.reset(repeated); // it has details, for it has options
    }
    return true;
}

FIRE_AND_FORGET_ENGINE void chain::stay_on(scheduler* before, const kept_scheduler& back) noexcept {
    if (before != nullptr) {
        static_cast<void>(move_to(before, nullptr)); // for which it has the memory
    } else if (scheduler* const refusing = on(); refusing != nullptr && make_details()) {
        leave_library_till_back_at(back.get() != nullptr ? *back.get() : *refusing);
    }
    if (now_->run().has_lent()) {
        now_->run().take_back(*details_->repeated.release());
    }
    running_item* const item = now_->item();
    if (item == nullptr || item->come_back(*item) || account_.is_guest()) {
        return;
    }
    report_abandoned("it was still running when its time was up");
    account_.write_off();
}

FIRE_AND_FORGET_ENGINE bool chain::give_up() {
    const bool is_news = account_.is_still_counted();
    if (is_news && is_abandoned) {
        report_abandoned(closed_while_waiting);
    }
    static_cast<void>(account_.close(fate::dropped, nullptr, take_repeated()));
    is_abandoned = false;
    return is_news;
}

FIRE_AND_FORGET_ENGINE bool chain::is_asked_to_stop() const noexcept {
    const host& on = now_->run().on();
    return is_asked_by_own_token() || on.stop.stop_requested() ||
           (on.home == nullptr && next_on()->is_stopping());
}

FIRE_AND_FORGET_ENGINE bool chain::is_asked_by_own_token() const noexcept {
    return details_ != nullptr && details_->of_task.stop.stop_requested();
}

FIRE_AND_FORGET_ENGINE stop_token chain::token() {
    const host& host = now_->run().on();
    if (details_ == nullptr || !details_->of_task.stop.stop_possible()) {
        return host.stop;
    }
    return details_->tokens.get_token(details_->of_task.stop, host.stop);
}

FIRE_AND_FORGET_ENGINE stop_token chain::own_token() const noexcept {
    return details_ != nullptr ? details_->of_task.stop : stop_token();
}

FIRE_AND_FORGET_ENGINE void chain::begin_beside(chain& parent, const stop_token& stop,
                                                bool ends_waits) {
    where = parent.where;
    name = parent.name;
    priority = parent.priority;
    account_.begin_uncounted();
    is_guest = true;
    bool has_all = true;
    if (stop.stop_possible() || parent.details_ != nullptr) {
        has_all = make_details();
        if (has_all) {
            details_->of_task.stop = stop;
            details_->ends_waits_on_stop = ends_waits || parent.ends_waits_on_stop();
            if (parent.details_ != nullptr) {
                details_->of_task.stays_with = parent.details_->of_task.stays_with;
                details_->awaited_by_thread = parent.details_->awaited_by_thread;
                details_->awaited_by_members = parent.members() != nullptr
                                                   ? parent.members()
                                                   : parent.details_->awaited_by_members;
            }
        }
    }
    if (has_all && parent.is_settled_elsewhere()) {
        hand_over_to_its_own();
        return;
    }
    const held_home place = parent.next_on();
    account_.move_to(place);
    if (!has_all || !on()->resume_soon(*this)) {
        destroy();
    }
}

FIRE_AND_FORGET_ENGINE bool chain::is_awaited_in(const task_set& set) const noexcept {
    return details_ != nullptr && (inside_a_member_of(set, details_->awaited_by_thread) ||
                                   is_among(set, details_->awaited_by_members));
}

FIRE_AND_FORGET_ENGINE void chain::abandon(chain& lost, std::string_view why) {
    if (lost.account_.is_still_counted()) {
        lost.report_abandoned(why);
    }
    lost.destroy();
}

FIRE_AND_FORGET_ENGINE void chain::adopt(const task_run& first) {
    where = first.task().where;
    name = first.task().name;
    priority = first.task().priority;
    account_.begin_on(first.home());
    if (first.is_part_of_turn()) {
        account_.keep_place();
    }
    const stored_task& task = first.task();
    const bool is_member = first.members() != nullptr;
    if (task.details != nullptr || task.due != steady_time() || is_member) { // or has options
        // NOLINTNEXTLINE(modernize-make-unique): clang 14 makes no aggregate that way
        details_.reset(new chain_details{{}, {}, {}, task.due, first.started()});
    }
    if (is_member) {
        details_->of_task.stop = first.stop_of_task();
        details_->members = keep_memberships(first.members());
    } else if (task.details != nullptr) {
        details_->of_task.stop = task.details->stop;
    }
    if (task.details != nullptr) {
        details_->of_task.on_error = task.details->on_error;
        details_->of_task.stays_with = task.details->stays_with;
        details_->of_task.seen = task.details->seen;
        has_own_sink = static_cast<bool>(details_->of_task.on_error);
    }
}

/// Only brought by the executor below: it goes on when it has its turn.
FIRE_AND_FORGET_ENGINE fate chain::go_home() {
    if (!on()->resume_soon(*this)) {
        abandon(*this, closed_while_waiting);
    }
    return fate::open;
}

FIRE_AND_FORGET_ENGINE task_ptr chain::take_repeated() noexcept {
    return details_ != nullptr ? std::move(details_->repeated) : nullptr;
}

FIRE_AND_FORGET_ENGINE bool chain::move_to(scheduler* to, const scheduler* ran_on) noexcept {
    if (account_.leaves_home_for(to)) {
        if (!make_details()) {
            return false;
        }
        away_entry& away = leave(ran_on);
        away.home->books.note_away(away);
    }
    if (to != nullptr && details_ != nullptr) {
        details_->back_to = kept_scheduler();
    }
    account_.move_to(to);
    return true;
}

FIRE_AND_FORGET_ENGINE away_entry& chain::leave(const scheduler* ran_on) noexcept {
    details_->away.where = where;
    details_->away.name = name;
    account_.leave_home(details_->away, ran_on);
    return details_->away;
}

FIRE_AND_FORGET_ENGINE bool chain::make_details() noexcept {
    if (details_ == nullptr) {
        // NOLINTNEXTLINE(modernize-make-unique): clang 14 makes no aggregate that way
        details_.reset(new (std::nothrow) chain_details{{}, {}, {}, {}, {}});
    }
    return details_ != nullptr;
}

FIRE_AND_FORGET_ENGINE void chain::report_beside(const std::exception_ptr& why) const {
    task_run telling(for_reports(), now_->run().on());
    telling.leave_to_another();
    telling.failed(why);
}

FIRE_AND_FORGET_ENGINE void chain::report_abandoned(std::string_view why) const {
    task_run(for_reports(), foreign_host()).drop(failure::abandoned, why);
}

/// There is nothing to be called or destroyed.
FIRE_AND_FORGET_ENGINE stored_task chain::for_reports() const noexcept {
    static constexpr task_vtable reported_only{};
    return {&reported_only, nullptr, where, name, details_ ? &details_->of_task : nullptr};
}

FIRE_AND_FORGET_ENGINE stored_task chain::task_of(stretch& run) const noexcept {
    if (details_ == nullptr) {
        return {&runs_stretch, &run, where, name};
    }
    return {&runs_stretch, &run, where, name, &details_->of_task, details_->due};
}

FIRE_AND_FORGET_ENGINE void chain::destroy_awaited() {
    while (link_to_child* const link = next_link_->awaited_by) {
        next_link_ = link->parent_link;
        std::exchange(link->child, nullptr).destroy();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
