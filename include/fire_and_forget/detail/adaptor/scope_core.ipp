// SPDX-License-Identifier: MIT
#pragma once

#include "scope_core.hpp"

#include "../../error_report.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../submit/firing.hpp"
#include "member_closure.hpp"

#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE scope_core::scope_core(any_core on) : on_(on) {
    if (const set_door* const outer = on.set()) {
        around_.emplace(outer->token(), stopper{&members_});
    }
}

FIRE_AND_FORGET_ENGINE scope_core::~scope_core() {
    around_.reset();
    if (!members_.is_in_its_process()) {
        return; // what the parent has fired stays where it is
    }
    const cancellation_deferred whole;
    if (members_.has_gone() || !members_.is_inside()) {
        members_.request_stop();
    }
    if (!members_.has_gone() && !drain_until(never)) { // else the executor may be gone as well
        if (!members_.is_in_its_process()) {
            return; // what it has helped with has forked
        }
        constexpr const char* why =
            "fire_and_forget: a task_scope is destroyed inside one of its own tasks, or where its "
            "tasks have no turn before, and would wait for ever\n";
        write_stderr(why, std::strlen(why));
        std::terminate();
    }
}

FIRE_AND_FORGET_ENGINE scope_stats scope_core::snapshot() const {
    scope_stats all = members_.snapshot();
    all.refused = refused_.load(std::memory_order_relaxed);
    return all;
}

// Firing ------------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE hears hears_by(const error_sink& sink) noexcept {
    return sink.hears_cancelled() ? hears::cancelled_too : hears::errors;
}

/// Whether it has to be told when it is to wait no longer.
FIRE_AND_FORGET_ENGINE bool waits_for_time(const options& how) noexcept {
    return how.after.count() > 0 || how.every.count() > 0;
}

FIRE_AND_FORGET_ENGINE bool needs_box(const untyped_call& call) noexcept {
    const options* const given = call.given;
    return !small_member::fits(*call.how.type) ||
           (given != nullptr &&
            (waits_for_time(*given) || given->stop.stop_possible() || given->on_error));
}

FIRE_AND_FORGET_ENGINE submission scope_core::fire(const untyped_call& call) {
    if (is_inside_library()) [[unlikely]] {
        note_refused();
        return submission(refusal::in_signal_handler);
    }
    if (const refusal why = members_.why_not_open(); why != refusal::none) {
        note_refused();
        return submission(make_firing(call.given, refused_to(), call.where).refuse(why));
    }
    const submission answer =
        needs_box(call) ? fire_boxed(call, members_.enter()) : fire_small(call, members_.enter());
    if (!answer) {
        note_refused();
    }
    return answer;
}

/// A task's sink, which may be a lambda of the owner's: as long as it is somewhere, the set is not
/// quiet.
class held_sink : public library_memory {
public:
    held_sink(membership held, error_sink sink) : held_(std::move(held)), sink_(std::move(sink)) {}
    held_sink(const held_sink& other)
        : held_(membership::of_begun(other.held_.its())), sink_(other.sink_) {}
    held_sink& operator=(const held_sink&) = delete;
    ~held_sink() = default;

    void operator()(const error_report& report) const { sink_(report); }

private:
    membership held_;
    error_sink sink_; ///< goes before the membership ends
};

/// What one of its tasks fires is kept on the heap: from there its thread may take it back
/// again, if it has nothing else to do than to wait for it.
FIRE_AND_FORGET_ENGINE bool may_stand_in_slot(const storing_facts& how) noexcept {
    return how.fits_slot && !inside_a_task();
}

FIRE_AND_FORGET_ENGINE submission scope_core::fire_small(const untyped_call& call,
                                                         membership entered) {
    storing_facts how = call.how;
    how.type = &member_type<small_member, member_runs::once>;
    how.repeated_type = nullptr;
    how.fits_slot = may_stand_in_slot(how);
    how.is_quick = false;
    const auto construct = [&](void* memory) {
        auto* const made = ::new (memory) small_member;
        call.construct(made->closure);
        made->inner = call.how.type;
        made->held = std::move(entered);
    };
    return on_.fire({call.given, call.where, call.fn, how, construct});
}

FIRE_AND_FORGET_ENGINE submission scope_core::fire_boxed(const untyped_call& call,
                                                         membership entered) {
    const firing failing = make_firing(call.given, refused_to(), call.where);
    member_box_ptr box(member_box::make(*call.how.type));
    if (box == nullptr) {
        return submission(failing.refuse(refusal::out_of_memory));
    }
    options changed;
    const scope_guard at_the_end([&] { give_back(changed.stop); });
    const options* given = call.given;
    const task_vtable* inner = call.how.type;
    if (given != nullptr) {
        refusal why = refusal::none;
        const bool is_copied = attempt(
            [&] {
                changed = *given;
                box->own = given->stop;
                if (waits_for_time(*given)) {
                    changed.stop = box->stop_of_waiting(members_.stop_of_waiting(entered.its()));
                }
                if (given->on_error) {
                    changed.on_error = {held_sink(members_.enter_sink(), given->on_error),
                                        hears_by(given->on_error)};
                }
            },
            [&] { why = failing.refuse_for_exception(refusal::copy_threw); });
        if (!is_copied) {
            return submission(why);
        }
        given = &changed;
        inner = changed.every.count() > 0 ? call.how.repeated_type : inner;
    }
    storing_facts how = call.how;
    how.type = &member_type<boxed_member, member_runs::once>;
    how.repeated_type = how.repeated_type != nullptr
                            ? &member_type<boxed_member, member_runs::repeatedly>
                            : nullptr;
    how.fits_slot = may_stand_in_slot(how);
    how.is_quick = false;
    const auto construct = [&](void* memory) {
        call.construct(box->closure);
        auto* const made = ::new (memory) boxed_member;
        made->inner = inner;
        made->box = std::move(box);
        made->held = std::move(entered);
    };
    return on_.fire({given, call.where, call.fn, how, construct});
}

/// A task that was made for another executor: it goes on inside of a member. It is what it was if
/// the executor below refuses that.
FIRE_AND_FORGET_ENGINE refusal scope_core::take_in(task_ptr& task,
                                                   refusal (any_core::*below)(task_ptr&) const) {
    refusal why = members_.why_not_open();
    if (why == refusal::none) {
        why = make_member(task, members_.enter());
    }
    if (why == refusal::none) {
        why = (on_.*below)(task);
        if (why != refusal::none && task != nullptr) {
            unmake_member(task);
        }
    }
    if (why != refusal::none) {
        note_refused();
    }
    return why;
}

FIRE_AND_FORGET_ENGINE refusal scope_core::accept(task_ptr& task) {
    return take_in(task, &any_core::accept);
}

FIRE_AND_FORGET_ENGINE refusal scope_core::enroll(task_ptr& task) {
    return take_in(task, &any_core::enroll);
}

FIRE_AND_FORGET_ENGINE void scope_core::withdraw(task_ptr& task) noexcept {
    on_.withdraw(task);
    unmake_member(task);
}

/// What executors know of a task goes on to the one that stands for it.
FIRE_AND_FORGET_ENGINE void pass_on(task_node& from, task_node& to) noexcept {
    to.name = from.name;
    to.details = std::exchange(from.details, nullptr);
    to.via = std::exchange(from.via, nullptr);
    to.due = from.due;
    to.number = from.number;
    to.priority = from.priority;
    to.is_timed = from.is_timed;
    to.is_accepted = from.is_accepted;
    to.is_delayed = from.is_delayed;
    to.is_handed_over = from.is_handed_over;
    to.has_begun = from.has_begun;
}

/// The same for one that has waited or is about to.
FIRE_AND_FORGET_ENGINE bool waits_for_time(const task_node& task) noexcept {
    return task.repeats() || (task.is_accepted ? task.is_delayed : task.due != steady_time());
}

/// Puts a member that carries it in the place of `task`. That may be undone as long as nobody else
/// has it.
FIRE_AND_FORGET_ENGINE refusal scope_core::make_member(task_ptr& task, membership entered) {
    const bool repeats = task->repeats();
    const task_vtable& type = repeats ? member_type<boxed_member, member_runs::repeatedly>
                                      : member_type<boxed_member, member_runs::once>;
    node_memory node(task_node::allocate(type, task->where));
    member_box_ptr box(node != nullptr ? member_box::make(task_vtable{}) : nullptr);
    bool has_memory = box != nullptr;
    if (has_memory && waits_for_time(*task)) {
        has_memory = attempt(
            [&] {
                stop_token& stop = task->own_details().stop;
                box->own = stop;
                box->is_timed = true;
                stop = box->stop_of_waiting(members_.stop_of_waiting(entered.its()));
            },
            [] {});
    }
    if (!has_memory) {
        return refusal::out_of_memory;
    }
    task_node& carried = *task.release();
    pass_on(carried, *node);
    auto* const made = ::new (node->closure()) boxed_member;
    made->inner = carried.type;
    made->box = std::move(box);
    made->box->closure = carried.closure();
    made->box->carried = &carried;
    made->held = std::move(entered);
    if (carried.has_begun) {
        static_cast<void>(made->held.begin()); // if it is not cancelled just now
    }
    task.reset(node.release());
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE void scope_core::unmake_member(task_ptr& task) noexcept {
    const task_ptr outer(std::move(task));
    auto& made = *static_cast<boxed_member*>(outer->closure());
    task_node& carried = *made.box->carried;
    pass_on(*outer, carried);
    if (made.box->is_timed) {
        carried.details->stop = made.box->own;
    }
    made.inner = &tombstone; // which has nothing to destroy
    made.box->carried = nullptr;
    task.reset(&carried);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
