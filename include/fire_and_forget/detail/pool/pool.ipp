// SPDX-License-Identifier: MIT
#pragma once

#include "pool.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../executor/exit_registry.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signals.hpp"
#include "../task/resumption.hpp"

#include <optional>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE pool::pool(pool_options settings, lane_set& lanes, kind what,
                                                const callbacks& lent)
    : shutdown_participant(parts_.end), options_(std::move(settings)), kind_(what), lanes_(lanes),
      door_(*this, lanes),
      parts_(*this, *this, *this,
             {&intake_,
              [](void* into, timer_node& item) noexcept {
                  return static_cast<intake*>(into)->start_due(item);
              },
              [](void* into) { static_cast<intake*>(into)->announce_due(); },
              [](void* into) noexcept { static_cast<intake*>(into)->leave(); }}),
      limit_(options_.max_pending), admission_(options_, lanes, limit_, parts_, lent.extras),
      callers_(*this, parts_),
      intake_(lanes, admission_, callers_, parts_, lent.extras, options_.observer),
      workers_(options_, lanes, *this, parts_.quiet, parts_.lent, parts_.sink,
               [](void* owner, void* record) {
                   static_cast<pool*>(static_cast<shutdown_participant*>(owner))
                       ->live(*static_cast<worker*>(record));
               }),
      growth_(options_, lanes, workers_, *this, parts_.quiet, parts_.sink),
      loop_(options_, lanes, workers_, growth_, limit_, *this, parts_),
      hooks_(*this, parts_.quiet, parts_.sink, lent.extras) {
    if (limit_.exists() || options_.observer != nullptr) {
        door_.shut();
    }
    if (!workers_.may_take_runs() || admission_.may_displace()) { // what is claimed can't be
        lanes.have_taken_singly();
    }
    if (options_.nested_tasks == nested::newest_first) {
        lanes.have_nested_first();
    }
    const auto own_or_null = [](const auto& given) { return given ? &given : nullptr; };
    const callbacks called =
        kind_ != kind::of_user
            ? lent
            : callbacks{own_or_null(options_.on_error), own_or_null(options_.on_thread_start),
                        own_or_null(options_.on_thread_stop), lent.extras};
    parts_.sink.set(called.on_error);
    hooks_.set(called.on_thread_start, called.on_thread_stop);
    lanes.begin(
        door_, [](pool_door& of) noexcept { return of.behind_.try_keep(); }, workers_.places());
    exit_registry::instance().enlist(*this); // other threads may ask it from here on
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE pool::pool(pool_options settings)
    : pool(std::move(settings), *new lane_set, kind::of_user,
           callbacks{.extras = &all_pool_extras()}) {}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE pool::~pool() {
    keeper::instance().strike_off(*this);
    {
        sink_time for_sinks(steady_clock::now());
        abandoned_tasks abandoned(parts_.lent, for_sinks);
        parts_.delayed.end(abandoned); // of a pool that was ended by one of its own tasks
        if (may_have_tasks()) {        // no thread could be had for them
            static_cast<void>(intake_.abandon_queued(abandoned, intake::queued::in_time));
        }
    }
    lanes_.retire();
    lanes_.release();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::begin_napping() {
    if (workers_.has_napper()) {
        parts_.end.begin_use();
        workers_.ring({});
    }
}

FIRE_AND_FORGET_ENGINE refusal pool::accept(task_ptr& task) {
    refusal why = refusal::none;
    const call_to_store under_way(lanes_);
    const entry how =
        task->has_begun ? admission_.enter_begun(why) : admission_.enter(task->priority, why);
    if (how != entry::refuse) {
        why = intake_.accept(task, how);
    }
    if (why != refusal::none) {
        note_refused();
    }
    return why;
}

FIRE_AND_FORGET_ENGINE refusal pool::start_coroutine(suspended& one) {
    return start_as_task(*this, one);
}

FIRE_AND_FORGET_ENGINE void pool::repeat_after(task_ptr task, repetition answer) noexcept {
    parts_.delayed.repeat_after(std::move(task), answer);
}

FIRE_AND_FORGET_ENGINE pool* pool::pool_of_worker() noexcept {
    const bool is_worker = this_thread.works_for == &parts_.lent && is_in_its_process();
    return is_worker ? this : nullptr;
}

FIRE_AND_FORGET_ENGINE ward::visit pool::look_after(steady_time now) {
    const steady_time next = parts_.delayed.serve(now);
    visit result = growth_.look_after(now);
    result.next = earlier_of(result.next, next);
    return result;
}

FIRE_AND_FORGET_ENGINE void pool::live(worker& self) {
    workforce::employment until_the_end(workers_, self);
    const profiling_ticks_taken meanwhile;
    {
        std::optional<nesting> depth_first;
        if (self.own_nest != nullptr) {
            depth_first.emplace(lanes_, *self.own_nest);
        }
        const thread_hooks::around working(hooks_, self.info);
        loop_.work_through(self);
    }
    until_the_end.end_in_order();
}

/// False only if there is nothing for workers to take. For threads that take signals.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool pool::may_have_tasks() const noexcept {
    const inside_library looking; // LANE-12
    return lanes_.may_have_tasks();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::pause() {
    if (is_in_its_process()) {
        const library_lock lock(parts_.quiet.mutex());
        if (may_pause_) {
            lanes_.pause();
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::resume() {
    if (is_in_its_process()) {
        lanes_.resume();
        lanes_.bell.call_all();
        if (may_have_tasks()) {
            workers_.ring({});
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::retire() {
    if (!is_in_its_process()) {
        return; // a forked child lets its parent's pool lie
    }
    const cancellation_deferred whole;
    const bool is_ours = parts_.end.runs_this_thread();
    const steady_time deadline = deadline_after(exit_timeout());
    static_cast<void>(parts_.end.shutdown_until(deadline));
    const steady_time last_call = is_ours ? steady_time() : deadline;
    hooks_.give_up(last_call); // tasks that go on may outlive its owner
    parts_.sink.give_up(last_call);
    if (is_ours) { // It can't wait for itself: the workers go when the queue is empty.
        workers_.dismiss();
    }
    release();
}

// Counting ----------------------------------------------------------------------------------------

/// Of the tasks in lanes.
FIRE_AND_FORGET_ENGINE task_counts pool::ended() const noexcept {
    task_counts all = workers_.roster().counts();
    all.abandoned += intake_.abandoned();
    all.abandoned += admission_.displaced();
    all.open += intake_.abandoned_open();
    return all;
}

FIRE_AND_FORGET_ENGINE stats pool::snapshot() const {
    stats now;
    if (is_in_its_process()) {
        const library_lock lock(parts_.quiet.mutex());
        now = count();
    }
    now.refused = refused_.load(std::memory_order_relaxed);
    return now;
}

/// All counters but `refused`. Under the mutex.
FIRE_AND_FORGET_ENGINE stats pool::count() const noexcept {
    stats now = books.ends(); // COUNT-1
    const task_counts by_now = ended();
    const std::uint64_t taken = lanes_.taken();
    now += parts_.delayed.count();
    by_now.add_to(now);
    callers_.ended().add_to(now);
    now.threads = workers_.roster().alive();
    now.resumptions = lanes_.resumed();
    const std::uint64_t over = now.succeeded + now.failed + now.dropped;
    if (parts_.end.is_settled()) { // what seems to be more is on its way back to who stored it
        now.accepted = over;
        return now;
    }
    now.accepted += lanes_.accepted() + books.accepted() + callers_.entered();
    // More than there are threads have ended meanwhile.
    const std::uint64_t unended = taken > by_now.all() ? taken - by_now.all() : 0;
    const std::uint64_t running =
        (unended < now.threads ? unended : now.threads) + callers_.running();
    // Of those some may be coroutines that were fired elsewhere.
    const std::uint64_t open = now.accepted - over;
    now.running = as_size(running < open ? running : open);
    now.pending = as_size(now.accepted - over - now.running);
    return now;
}

// What closing asks -------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds pool::exit_timeout() const noexcept {
    return options_.exit_timeout;
}

FIRE_AND_FORGET_ENGINE std::uint64_t pool::admissions() const {
    return lanes_.accepted() + parts_.delayed.count().accepted + books.accepted() +
           callers_.entered();
}

FIRE_AND_FORGET_ENGINE bool pool::is_quiet(std::size_t own) const noexcept {
    // In this order: what a task has delayed is seen when the task counts as ended, and what has
    // become due when it does not wait any more.
    const std::uint64_t ended_by_now = ended().all(); // COUNT-1
    return !parts_.delayed.has_awaited() &&
           lanes_.pushed() + callers_.running() <= ended_by_now + own;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::note_closing() noexcept {
    door_.shut();
    if (is_in_its_process()) {
        {
            const library_lock lock(parts_.quiet.mutex());
            may_pause_ = false;
        }
        if (lanes_.is_paused()) { // what was accepted is to run
            resume();
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::note_closed() noexcept {
    lanes_.close();
    admission_.note_closed();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool pool::abandon_queued(abandoned_tasks& abandoned,
                                                               before_end was) {
    return intake_.abandon_queued(abandoned, was == before_end::quiet ? intake::queued::too_late
                                                                      : intake::queued::in_time);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::size_t
pool::write_off_running(abandoned_tasks& abandoned) noexcept {
    const std::size_t by_callers = callers_.write_off(abandoned);
    const write_offs by_workers = workers_.roster().write_off_running(abandoned);
    intake_.note_written_off(by_workers);
    return by_callers + by_workers.all();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void pool::call_again() noexcept {
    if (may_have_tasks() && workers_.is_another_free()) {
        lanes_.bell.call_one();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool pool::end_threads(steady_time deadline) {
    const bool is_another = !parts_.end.runs_this_thread();
    if (is_another) {
        workers_.dismiss_until(deadline);
    }
    return is_another;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
