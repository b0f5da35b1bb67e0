// SPDX-License-Identifier: MIT
#pragma once

#include "strand.hpp"

#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../submit/firing.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/member_frame.hpp"
#include "../task/resumption.hpp"
#include "../task/run_task.hpp"
#include "given_up_turn.hpp"
#include "turn.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE strand::strand(const any_core& on) noexcept
    : stacked_scheduler(on.home_or_default().books), core_(on.bottom()), set_(on.set()),
      generation_(generation_here()),
      queue_(on.home() != nullptr ? turn_queue::below::is_awaited
                                  : turn_queue::below::is_not_awaited,
             on.observer() == nullptr ? turn_queue::plain_tasks::in_place
                                      : turn_queue::plain_tasks::on_heap) {
    is_resumption = true;
    has_begun = true; // what waits for it has been accepted
    static constexpr suspended_type is_turn{
        [](suspended& turn) { return static_cast<strand&>(turn).run_turn(); },
        [](suspended& turn) {
            static_cast<strand&>(turn).destroy_turn();
            return false; // it has reported what there was
        }};
    does = &is_turn;
    if (stacked_scheduler* const kept = core_.stacked()) { // STRAND-5
        kept->add_user();
    }
}

FIRE_AND_FORGET_ENGINE strand::~strand() {
    if (stacked_scheduler* const kept = core_.stacked()) { // a pool may have gone before
        kept->remove_user();                               // STRAND-5
    }
}

// What comes in -----------------------------------------------------------------------------------

/// What is small and plain is stored right where it waits.
FIRE_AND_FORGET_ENGINE submission strand::fire(const untyped_call& call) {
    const task_vtable& type = *call.how.type;
    if (call.given == nullptr && call.how.is_quick && call.how.is_plain && waiting::fits(type) &&
        set_ == nullptr && queue_.takes_plain_tasks() && is_in_its_process() &&
        !is_inside_library()) [[likely]] {
        const refusal why = enter(call);
        return submission(why == refusal::none
                              ? why
                              : make_firing(nullptr, refused_to(), call.where).refuse(why));
    }
    return fire_at_library(
        call, [this](task_ptr& task) { return accept(task); }, [this] { note_refused(); },
        refused_to());
}

FIRE_AND_FORGET_ENGINE refusal strand::accept(task_ptr& task) {
    if (!is_in_its_process()) {
        note_refused();
        return refusal::forked_child;
    }
    task->begin_waiting(task->is_timed ? now() : steady_time());
    const bool waits = task->is_delayed || task->repeats();
    if (task->via != nullptr) { // that of a strand which stands on this one, and has enrolled it
        return core_.accept(task);
    }
    if (waits) {
        task->go_via(*this); // whoever takes it below has it observed
    } else {
        core_.observe(*task);
    }
    refusal why = set_ != nullptr ? set_->enroll(task) : refusal::none;
    if (why == refusal::none) {
        why = waits ? core_.accept(task) : enter_as_call(task);
        if (why != refusal::none && task != nullptr && set_ != nullptr) {
            set_->withdraw(task);
        }
    }
    return why;
}

FIRE_AND_FORGET_ENGINE refusal strand::enter_as_call(task_ptr& task) {
    task_node* const node = task.release();
    const refusal why = enter(*node, asker::caller);
    if (why != refusal::none) {
        task.reset(node);
    }
    return why;
}

FIRE_AND_FORGET_ENGINE void strand::bring(task_ptr task) {
    task_node* const node = task.release();
    node->is_brought = true;
    if (enter(*node, asker::accepted) != refusal::none) {
        books.note_end(fate::dropped);
        drop_task(task_ptr(node), host{core_.sink()}, failure::abandoned,
                  "its executor takes nothing more");
    }
}

FIRE_AND_FORGET_ENGINE refusal strand::start_coroutine(suspended& one) {
    return start_as_task(*this, one);
}

FIRE_AND_FORGET_ENGINE bool strand::resume_soon(suspended& one) noexcept {
    return enter(one, asker::accepted) == refusal::none;
}

FIRE_AND_FORGET_ENGINE refusal strand::enter(timer_node& item, asker by) {
    const turn_queue::pushed what = queue_.push(item, books);
    if (what == turn_queue::pushed::begins_turn) { // else it may be gone
        if (item.is_resumption) {
            where = static_cast<suspended&>(item).where;
            name = static_cast<suspended&>(item).name;
        } else {
            where = static_cast<task_node&>(item).where;
            name = static_cast<task_node&>(item).name;
        }
    }
    return enter(what, by);
}

FIRE_AND_FORGET_ENGINE refusal strand::enter(const untyped_call& call) {
    const auto what = queue_.push(*call.how.type, call.where, call.construct, books);
    if (what == turn_queue::pushed::begins_turn) {
        where = call.where;
        name = nullptr;
    }
    return enter(what, asker::caller);
}

/// Begins the turn if there is none, in the name of what has begun it. What is refused then is the
/// caller's again. // STRAND-3
FIRE_AND_FORGET_ENGINE refusal strand::enter(turn_queue::pushed what, asker by) {
    if (what == turn_queue::pushed::behind_others) [[likely]] {
        return refusal::none;
    }
    if (what == turn_queue::pushed::no_memory) {
        if (by == asker::caller) {
            note_refused();
        }
        return refusal::out_of_memory;
    }
    add_user(); // STRAND-2
    const refusal why = start(by);
    if (why != refusal::none) {
        {
            const open_while_dropping what_came_in_behind_it(books); // TURN-4
            queue_.forget_first(books);
            drop_rest();
        }
        timers().notice_end();
        remove_user();
    }
    return why;
}

/// Hands the turn to the executor below. Then it may be over, and the strand gone. // STRAND-2
FIRE_AND_FORGET_ENGINE refusal strand::start(asker by) {
    const void* const outer = std::exchange(this_thread.starting_turn, this);
    const scope_guard at_the_end([outer] { this_thread.starting_turn = outer; });
    scheduler* const below = by == asker::accepted ? core_.home() : nullptr;
    if (below == nullptr) {
        return core_.start_turn(*this);
    }
    is_accepted = false;
    return below->resume_soon(*this) ? refusal::none : refusal::shutting_down;
}

// The turn ----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE fate strand::run(waiting& one, const host& on) {
    if (timer_node* const item = one.on_heap()) {
        return run_in_turn(*item, on, *this);
    }
    return run_in_turn(one.task(), on, *this);
}

/// The executor below counts the turn as what the last task came to: so it may write that off, as
/// it does with tasks of its own. If it has been given the turn as a task, it counts that besides.
FIRE_AND_FORGET_ENGINE fate strand::run_turn() {
    const host& on = *static_cast<const host*>(this_thread.running->on);
    const bool is_task = is_accepted;
    turn_ends ends(books);
    turn_length length(most_in_turn());
    fate last = fate::open;
    const auto end = [&] {
        if (is_task) {
            ends.add(std::exchange(last, fate::succeeded));
        }
        ends.flush();
    };
    bool is_mine = true;
    const scope_guard at_the_end([&] {
        if (is_mine) { // a task ends its thread by force, and counts as failed
            last = fate::failed;
            end();
            if (start(asker::accepted) != refusal::none) {
                drop_rest();
                remove_user();
            }
        }
    });
    while (waiting* const one = queue_.next(books)) {
        ends.add(last);
        last = run(*one, on);
        if (!is_in_its_process()) { // it has forked: the turn is the parent's
            is_mine = false;
            return last;
        }
        if (is_stopping() && is_given_up_turn(on, last)) {
            ends.add(std::exchange(last, fate::open));
            drop_rest();
            break;
        }
        if (length.is_over() && queue_.has_more() && this_thread.starting_turn != this) {
            end();
            is_mine = false;
            if (start(is_task ? asker::caller : asker::accepted) == refusal::none) {
                return last; // STRAND-2
            }
            is_mine = true;
            ends.add(is_task ? fate::open : last);
            last = fate::open;
            length.begin_again();
        }
    }
    is_mine = false;
    end();
    remove_user();
    return last;
}

/// The executor below has ended without running it; what was made of it, if anything, has been
/// reported in the name of the first task.
FIRE_AND_FORGET_ENGINE void strand::destroy_turn() {
    if (this_thread.starting_turn == this) {
        return; // in the call that hands it over, which is refused
    }
    drop_rest(is_accepted ? already_reported::first : already_reported::none);
    remove_user();
}

FIRE_AND_FORGET_ENGINE void strand::drop_rest(already_reported before) {
    drop_turn(queue_, books, core_.sink(), before);
}

// What the executor below does --------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool strand::is_in_its_process() const noexcept {
    return generation_ == generation_here();
}

FIRE_AND_FORGET_ENGINE steady_time strand::now() const noexcept {
    return timers().now();
}

FIRE_AND_FORGET_ENGINE bool strand::waits_for_this_thread() const noexcept {
    const scheduler* const below = core_.home();
    return inside_a_turn_of(*this, this_thread.running) ||
           (below != nullptr && below->waits_for_this_thread());
}

FIRE_AND_FORGET_ENGINE void strand::keep_scheduler() noexcept {
    add_user();
    timers().keep_scheduler();
}

FIRE_AND_FORGET_ENGINE void strand::release_scheduler() noexcept {
    timers().release_scheduler();
    remove_user();
}

FIRE_AND_FORGET_ENGINE void strand::repeat_after(task_ptr task, repetition answer) noexcept {
    timers().repeat_after(std::move(task), answer);
}

FIRE_AND_FORGET_ENGINE void strand::remove_user() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
