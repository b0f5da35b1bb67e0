// SPDX-License-Identifier: MIT
#pragma once

#include "scope_core.hpp"

#include "../../error_report.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/attempt.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../submit/firing.hpp"
#include "member_closure.hpp"

#include <chrono>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A task's sink, which may be a lambda of the owner's: as long as it is somewhere, the set is not
/// quiet.
class scope_core::held_sink {
public:
    held_sink(cohort& in, error_sink sink) : held_(in), sink_(std::move(sink)) { in.enter_begun(); }
    held_sink(const held_sink& other) : held_sink(other.held_, other.sink_) {}
    held_sink& operator=(const held_sink&) = delete;
    ~held_sink() {
        sink_ = nullptr;
        held_.leave(member_stage::begun);
    }

    void operator()(const error_report& report) const { sink_(report); }

private:
    cohort& held_;
    error_sink sink_;
};

FIRE_AND_FORGET_ENGINE scope_core::scope_core(any_core on) : on_(on), stop_(make_stop_source()) {
#if defined(__cpp_lib_jthread)
    if (const task_set* const outer = on.set()) {
        around_.emplace(outer->token(), stopper{this});
    }
#endif
}

FIRE_AND_FORGET_ENGINE scope_core::~scope_core() {
    around_.reset();
    if (!is_in_its_process()) {
        return; // what the parent has fired stays where it is
    }
    if (has_gone() || !is_inside()) {
        request_stop();
    }
    if (!has_gone() && !drain_until(never)) { // else the executor may be gone as well
        if (!is_in_its_process()) {
            return; // what it has helped with has forked
        }
        constexpr const char* why =
            "fire_and_forget: a task_scope is destroyed inside one of its own tasks, or where its "
            "tasks have no turn before, and would wait for ever\n";
        write_stderr(why, std::strlen(why));
        std::terminate();
    }
    for (cohort* one = cohorts_; one != nullptr;) {
        cohort* const gone = std::exchange(one, one->next);
        if (gone != &first_) {
            delete gone;
        }
    }
}

// Firing ------------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE refusal scope_core::why_not_open() const noexcept {
    if (!is_in_its_process()) {
        return refusal::forked_child;
    }
    return is_stopping_.load(std::memory_order_relaxed) && !is_inside() ? refusal::shutting_down
                                                                        : refusal::none;
}

FIRE_AND_FORGET_ENGINE membership scope_core::enter() noexcept {
    for (;;) {
        if (cohort* const now = current_.load(std::memory_order_acquire); now->try_enter()) {
            return membership(*now);
        }
    }
}

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
    if (const refusal why = why_not_open(); why != refusal::none) {
        note_refused();
        return submission(make_firing(call.given, refused_to(), call.where).refuse(why));
    }
    const submission answer =
        needs_box(call) ? fire_boxed(call, enter()) : fire_small(call, enter());
    if (!answer) {
        note_refused();
    }
    return answer;
}

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
    const options* given = call.given;
    const task_vtable* inner = call.how.type;
    if (given != nullptr) {
        refusal why = refusal::none;
        attempt(
            [&] {
                changed = *given;
                box->own = given->stop;
                if (waits_for_time(*given)) {
                    changed.stop = stop_of_waiting(*box, entered.its());
                }
                if (given->on_error) {
                    changed.on_error = {held_sink(sinks_, given->on_error),
                                        hears_by(given->on_error)};
                }
            },
            [&] { why = failing.refuse_for_exception(refusal::copy_threw); });
        if (why != refusal::none) {
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
    refusal why = why_not_open();
    if (why == refusal::none) {
        why = make_member(task, enter());
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
        attempt(
            [&] {
                if (task->details == nullptr) {
                    task->details = new task_details;
                }
                box->own = task->details->stop;
                box->is_timed = true;
                task->details->stop = stop_of_waiting(*box, entered.its());
            },
            [&] { has_memory = false; });
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

/// What a member that waits for its time listens to: also to the cancellation of its cohort.
FIRE_AND_FORGET_ENGINE stop_token scope_core::stop_of_waiting(member_box& box, cohort& its) {
    {
        const library_lock lock(mutex_);
        if (!its.has_timed) {
            its.timed = make_stop_source();
            its.has_timed = true;
            if (its.is_cancelled() || is_stopping_.load(std::memory_order_relaxed)) {
                static_cast<void>(its.timed.request_stop()); // nobody listens yet
            }
        }
    }
    if (!box.own.stop_possible()) {
        return its.timed.get_token();
    }
    box.waits_by = std::make_unique<linked_stop_source>(box.own, its.timed.get_token());
    return box.waits_by->get_token();
}

// The owner's side --------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE void scope_core::request_stop() {
    cohort* first = nullptr;
    {
        const library_lock lock(mutex_);
        is_stopping_.store(true, std::memory_order_relaxed);
        first = cohorts_;
    }
    static_cast<void>(stop_.request_stop()); // runs callbacks of users
    for (cohort* one = first; one != nullptr; one = one->next) {
        stop_of_cohort(*one);
    }
}

FIRE_AND_FORGET_ENGINE void scope_core::stop_of_cohort(const cohort& its) {
    stop_source waiting = no_stop_source();
    {
        const library_lock lock(mutex_);
        waiting = its.timed;
    }
    static_cast<void>(waiting.request_stop());
}

FIRE_AND_FORGET_ENGINE std::uint64_t scope_core::cancel_pending() {
    if (!is_in_its_process()) {
        return 0;
    }
    cohort* before = nullptr;
    std::uint32_t many = 0;
    {
        const library_lock lock(mutex_);
        cohort& fresh = next_cohort();
        before = current_.load(std::memory_order_relaxed);
        many = before->cancel();
        current_.store(&fresh, std::memory_order_release); // COHORT-4
        cancelled_ += many;
    }
    stop_of_cohort(*before);
    return many;
}

FIRE_AND_FORGET_ENGINE bool scope_core::cancel_for_good() {
    if (!is_in_its_process()) {
        return false;
    }
    cohort& its = *current_.load(std::memory_order_relaxed);
    bool is_any = false;
    {
        const library_lock lock(mutex_);
        cancelled_ += its.cancel();
        is_any = cancelled_ > 0;
    }
    stop_of_cohort(its);
    return is_any;
}

/// One that is empty. Under the mutex.
FIRE_AND_FORGET_ENGINE cohort& scope_core::next_cohort() {
    const cohort* const now = current_.load(std::memory_order_relaxed);
    for (cohort* one = cohorts_; one != nullptr; one = one->next) {
        if (one != now && one->try_renew()) {
            one->timed = no_stop_source();
            one->has_timed = false;
            return *one;
        }
    }
    auto* const fresh = new cohort(*this);
    fresh->set_awaited(waiting_ > 0);
    fresh->next = std::exchange(cohorts_, fresh);
    return *fresh;
}

FIRE_AND_FORGET_ENGINE scope_stats scope_core::snapshot() const {
    scope_stats all;
    all.refused = refused_.load(std::memory_order_relaxed);
    if (!is_in_its_process()) {
        return all;
    }
    const library_lock lock(mutex_);
    for (const cohort* one = cohorts_; one != nullptr; one = one->next) {
        const cohort::counts its = one->count();
        all.pending += its.waiting;
        all.running += its.all - its.waiting;
    }
    all.cancelled = cancelled_;
    return all;
}

// Waiting -----------------------------------------------------------------------------------------

/// Under the mutex. // SCOPE-2
FIRE_AND_FORGET_ENGINE bool scope_core::is_quiet() const noexcept {
    const cohort* const now = current_.load(std::memory_order_relaxed);
    for (const cohort* one = cohorts_; one != nullptr; one = one->next) {
        if (one != now && !one->is_empty()) {
            return false;
        }
    }
    return now->is_empty() && sinks_.is_empty();
}

FIRE_AND_FORGET_ENGINE bool scope_core::has_gone() const noexcept {
    if (!is_in_its_process()) {
        return false;
    }
    const library_lock lock(mutex_);
    return is_quiet();
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void scope_core::begin_wait() noexcept {
    if (++waiting_ == 1) {
        set_awaited(true);
    }
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void scope_core::end_wait() noexcept {
    if (--waiting_ == 0) {
        set_awaited(false);
    }
}

FIRE_AND_FORGET_ENGINE void scope_core::set_awaited(bool is_awaited) noexcept { // COHORT-3
    for (cohort* one = cohorts_; one != nullptr; one = one->next) {
        one->set_awaited(is_awaited);
    }
    sinks_.set_awaited(is_awaited);
}

FIRE_AND_FORGET_ENGINE void scope_core::let_last_leave(cohort& its, member_stage at) noexcept {
    quiet_listener* told = nullptr;
    {
        const library_lock lock(mutex_);
        if (its.leave_under_lock(at) && is_quiet()) { // COHORT-2
            changed_.notify_all();
            told = std::exchange(listeners_, nullptr);
            if (told != nullptr) {
                end_wait();
            }
        }
    }
    while (told != nullptr) {
        quiet_listener& one = *std::exchange(told, told->next);
        one.tell(one);
    }
}

FIRE_AND_FORGET_ENGINE listening scope_core::listen(quiet_listener& one) noexcept {
    if (!is_in_its_process()) {
        return listening::impossible;
    }
    const library_lock lock(mutex_);
    if (listeners_ == nullptr) {
        begin_wait();
    }
    const bool has_to_wait = !is_quiet();
    if (has_to_wait) {
        one.next = std::exchange(listeners_, &one);
    } else if (listeners_ == nullptr) {
        end_wait();
    }
    return has_to_wait ? listening::begun : listening::needless;
}

FIRE_AND_FORGET_ENGINE bool scope_core::stop_listening(quiet_listener& one) noexcept {
    if (!is_in_its_process()) {
        return false;
    }
    const library_lock lock(mutex_);
    quiet_listener** at = &listeners_;
    while (*at != nullptr && *at != &one) {
        at = &(*at)->next;
    }
    if (*at == nullptr) {
        return false;
    }
    *at = one.next;
    if (listeners_ == nullptr) {
        end_wait();
    }
    return true;
}

/// Whoever waits for the set, as long as it lives.
class scope_core::waiter {
public:
    explicit waiter(scope_core& of) noexcept : of_(of) {
        const library_lock lock(of_.mutex_);
        of_.begin_wait();
    }
    ~waiter() {
        if (of_.is_in_its_process()) { // what it has helped with may have forked
            const library_lock lock(of_.mutex_);
            of_.end_wait();
        }
    }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    bool is_over() const noexcept {
        const library_lock lock(of_.mutex_);
        return of_.is_quiet();
    }

    /// For who has run all tasks that there were, and is to look for others soon.
    void nap(steady_time deadline) {
        wait([&](std::unique_lock<std::mutex>& lock) {
            const steady_time end = later(steady_clock::now(), shortest_nap * (1 << naps_));
            wait_until(of_.changed_, lock, earlier_of(deadline, end));
        });
        naps_ += naps_ < most_naps ? 1 : 0;
    }
    void forget_naps() noexcept { naps_ = 0; }
    bool has_napped() const noexcept { return naps_ > 0; }

    void sleep(steady_time deadline) {
        wait([&](std::unique_lock<std::mutex>& lock) {
            pieces_.next(of_.changed_, lock, deadline);
        });
    }

private:
    static constexpr std::chrono::microseconds shortest_nap{20};
    static constexpr int most_naps = 6; ///< of which each is twice as long as the one before

    template <class Wait>
    void wait(Wait once) {
        const inside_library waiting;
        std::unique_lock lock(of_.mutex_);
        if (!of_.is_quiet()) {
            once(lock);
        }
    }

    scope_core& of_;
    slices pieces_;
    int naps_ = 0;
};

/// Whether so many tasks run inside of each other that the stack should not grow by others if that
/// can be helped.
FIRE_AND_FORGET_ENGINE bool is_deep() noexcept {
    constexpr int deep = 32;
    int depth = 0;
    for (const task_frame* one = this_thread.running; one != nullptr; one = one->outer) {
        ++depth;
    }
    return depth > deep;
}

/// Runs tasks meanwhile if its thread is one of those that do: where there are no others, nobody
/// else would.
FIRE_AND_FORGET_ENGINE bool scope_core::drain_until(steady_time deadline, scheduler* home) {
    if (is_inside() || !is_in_its_process()) {
        return false;
    }
    waiter self(*this);
    if (home != nullptr && home->waits_for_this_thread()) {
        return self.is_over();
    }
    while (!self.is_over()) {
        const reach how_far = is_deep() && !self.has_napped() ? reach::own : reach::all;
        const helped came_to =
            home != nullptr ? home->help(how_far, [&] { return self.is_over(); }) : helped::nowhere;
        if (!is_in_its_process()) {
            return false;
        }
        if (came_to == helped::by_some || abandonment::go_on()) {
            self.forget_naps();
            continue;
        }
        const bool is_late = deadline <= steady_clock::now();
        if (is_late || (came_to == helped::by_hand && deadline < never)) {
            return self.is_over();
        }
        came_to == helped::nowhere ? self.sleep(deadline) : self.nap(deadline);
    }
    return true;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
