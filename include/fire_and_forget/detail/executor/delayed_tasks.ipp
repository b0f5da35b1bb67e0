// SPDX-License-Identifier: MIT
#pragma once

#include "delayed_tasks.hpp"

#include "../platform/asymmetric_barrier.hpp"
#include "../platform/scope_guard.hpp"
#include "../task/run_task.hpp"
#include "abandoned_tasks.hpp"
#include "keeper.hpp"

#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE refusal delayed_tasks::delay(task_ptr& task) {
    if (!try_watch(*task)) {
        return refusal::out_of_memory;
    }
    if (!store_watched(task)) {
        quiet_.tell(); // for a moment it seemed to wait
        return refusal::shutting_down;
    }
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE bool delayed_tasks::resume_at(suspended& one) noexcept {
    if (!owner_.is_in_its_process()) {
        return false;
    }
    const steady_time call = when_to_call(one.due);
    const bool is_kept = timers_.push(one);
    if (is_kept) {
        call_keeper(call, {});
    } else {
        quiet_.tell(); // for a moment it seemed to wait
    }
    return is_kept;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void delayed_tasks::notice_stop() noexcept {
    full_fence(); // DELAY-1
    if (!timers_.seems_used() || !owner_.is_in_its_process()) {
        return;
    }
    if (lent_.stop.stop_requested()) { // on this thread, for it takes a look at all that wait
        timers_.make_due(steady_clock::now(), is_asked_to_stop);
    }
    request_visit();
}

FIRE_AND_FORGET_ENGINE void delayed_tasks::notice_stop_of(watched& one) noexcept {
    if (owner_.is_in_its_process() && timers_.ask(one)) {
        call_keeper((steady_time::min)(), {});
    }
}

FIRE_AND_FORGET_ENGINE bool delayed_tasks::repeat(task_ptr& task, std::uint64_t skipped) {
    skipped_.fetch_add(skipped, std::memory_order_relaxed);
    static_cast<void>(try_watch(*task)); // without memory its stop is noticed when it is due
    const bool is_kept = !ends_repeating_.load(std::memory_order_relaxed) && store_watched(task);
    full_fence(); // DELAY-1
    if (is_kept && ends_repeating_.load(std::memory_order_relaxed)) {
        cancel_repeating();
    }
    return is_kept;
}

FIRE_AND_FORGET_ENGINE void delayed_tasks::repeat_after(task_ptr task, repetition answer) noexcept {
    const std::uint64_t skipped = task != nullptr ? task->advance(steady_clock::now()) : 0;
    if (task == nullptr || answer != repetition::go_on || !repeat(task, skipped)) {
        note_end();
    }
}

FIRE_AND_FORGET_ENGINE void delayed_tasks::request_visit() {
    timers_.request_look();
    call_keeper((steady_time::min)(), {});
}

FIRE_AND_FORGET_ENGINE steady_time delayed_tasks::serve(steady_time now) {
    bool is_any = false;
    const steady_time next = timers_.serve(now, most_at_once, [&](timer_node& item) {
        const bool is_stored = outlet_.start(outlet_.executor, item);
        is_any = is_any || is_stored;
        return is_stored;
    });
    if (is_any) {
        outlet_.call_threads(outlet_.executor);
        quiet_.tell(); // what has run by now was not waited for last, but this
    }
    return next;
}

FIRE_AND_FORGET_ENGINE stats delayed_tasks::count() const noexcept {
    stats all;
    all.cancelled = cancelled_.load(std::memory_order_acquire); // of those accepted
    all.dropped = all.cancelled + abandoned_.load(std::memory_order_acquire) +
                  displaced_.load(std::memory_order_acquire);
    all.accepted = has_ended_.load(std::memory_order_acquire) ? timers_.gone() : timers_.accepted();
    all.skipped = skipped_.load(std::memory_order_relaxed);
    return all;
}

FIRE_AND_FORGET_ENGINE bool delayed_tasks::displace_latest(priority level) {
    timer_node* const latest = timers_.take_latest_if(
        [level](const timer_node& one) {
            return one.priority == level && !one.is_resumption && is_awaited(one);
        },
        [this] { displaced_.fetch_add(1, std::memory_order_release); });
    if (latest != nullptr) {
        drop_task(task_ptr(static_cast<task_node*>(latest)), lent_, failure::displaced,
                  "the queue was full");
        quiet_.tell();
    }
    return latest != nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void delayed_tasks::end_repeating() {
    ends_repeating_.store(true, std::memory_order_relaxed);
    full_fence(); // DELAY-1
    cancel_repeating();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void delayed_tasks::close(steady_time deadline,
                                                               abandoned_tasks& abandoned) {
    timers_.close();
    give_up(abandoned, [deadline](const timer_node& item) {
        return !is_awaited(item) ||
               (!item.is_resumption && (deadline < item.due || item.due == never));
    });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void delayed_tasks::end(abandoned_tasks& abandoned) {
    timers_.close();
    give_up(abandoned, [](const timer_node&) { return true; });
    has_ended_.store(true, std::memory_order_release);
}

/// Pushes a task that is watched, if need be. Once it is stored, it may run, and somebody may end
/// the executor for that.
FIRE_AND_FORGET_ENGINE bool delayed_tasks::store_watched(task_ptr& task) {
    const bool is_watched = task->is_watched;
    stop_token stop;
    if (is_watched) {
        stop = task->details->stop;
        owner_.keep();
    }
    const scope_guard at_the_end([&] {
        if (is_watched) {
            owner_.release();
        }
    });
    const steady_time call = when_to_call(task->due);
    const call_site where = task->where;
    if (!timers_.push(*task)) {
        return false;
    }
    static_cast<void>(task.release());
    call_keeper(call, where);
    if (is_watched && stop.stop_requested()) { // TIMERS-7
        request_visit();
    }
    return true;
}

/// Has the timers notice when the token of a task is asked to stop.
FIRE_AND_FORGET_ENGINE bool delayed_tasks::try_watch(task_node& task) {
    bool is_done = true;
    if (task.details != nullptr && task.details->watch == nullptr &&
        task.details->stop.stop_possible()) {
        task.details->watch = new (std::nothrow) stop_watch(task.details->stop, *lent_.home, task);
        is_done = task.is_watched = task.details->watch != nullptr;
    }
    return is_done;
}

/// When the keeper should come by for one that is due at `due`: at once if it is one of many, lest
/// too many are left in the intake. To take in that many costs it a millisecond; to be called costs
/// who adds one up to 40 us, which was 10 ns for each of 4096.
FIRE_AND_FORGET_ENGINE steady_time delayed_tasks::when_to_call(steady_time due) const noexcept {
    constexpr std::uint64_t many = 16384;
    const std::uint64_t so_far = timers_.accepted() + timers_.sleepers();
    return so_far % many == many - 1 ? (steady_time::min)() : due;
}

FIRE_AND_FORGET_ENGINE void delayed_tasks::call_keeper(steady_time when, const call_site& where) {
    if (keeper::instance().sleeps_past(when)) {
        const thread_trouble trouble = keeper::instance().notice_deadline(where);
        trouble.report("what waits for its time waits for one", nullptr);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void delayed_tasks::cancel_repeating() {
    sink_time not_needed(never);
    abandoned_tasks none(lent_, not_needed);
    give_up(none, [](const timer_node& item) { return !is_awaited(item); });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
delayed_tasks::give_up(abandoned_tasks& abandoned, function_ref<bool(const timer_node&)> is_it) {
    bool is_any = false;
    timer_node* item = timers_.take_if([&](const timer_node& one) {
        const bool is_taken = is_it(one);
        if (is_taken && !one.is_resumption) { // before anybody can see that it waits no more
            (is_awaited(one) ? abandoned_ : cancelled_).fetch_add(1, std::memory_order_release);
        }
        return is_taken;
    });
    give_up_all([&] {
        if (item == nullptr) {
            return false;
        }
        is_any = true;
        timer_node& one = *std::exchange(item, item->next);
        if (one.is_resumption) {
            abandoned.add_queued(static_cast<suspended&>(one));
            return true;
        }
        note_end();
        if (task_ptr task(&static_cast<task_node&>(one)); is_awaited(one)) {
            abandoned.add_delayed(std::move(task));
        } else {
            drop_task(std::move(task), lent_, failure::cancelled, {});
        }
        return true;
    });
    if (is_any) {
        quiet_.tell();
    }
}

FIRE_AND_FORGET_ENGINE void delayed_tasks::note_end() noexcept {
    if (outlet_.note_end != nullptr) {
        outlet_.note_end(outlet_.executor);
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
