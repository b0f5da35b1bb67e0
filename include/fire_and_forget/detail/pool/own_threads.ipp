// SPDX-License-Identifier: MIT
#pragma once

#include "own_threads.hpp"
#include "pool_door.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../executor/errands.hpp"
#include "../executor/exit_registry.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "../task/resumption.hpp"
#include "default_pool.hpp"

#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE own_threads& own_threads::instance() noexcept {
    return of_process.get();
}

FIRE_AND_FORGET_ENGINE own_threads::own_threads()
    : shutdown_participant(parts_.end),
      parts_(*this, *this, *this,
             {this,
              [](void* all, timer_node& item) noexcept {
                  return static_cast<own_threads*>(all)->start_due(item);
              },
              [](void* all) { static_cast<own_threads*>(all)->send_threads(); }}) {
    exit_registry::instance().enlist(*this);
}

// What is fired -----------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE refusal own_threads::accept(task_ptr& task) {
    task->begin_waiting(now());
    const refusal why = try_accept(task);
    if (why != refusal::none) {
        note_refused();
    }
    return why;
}

FIRE_AND_FORGET_ENGINE refusal own_threads::try_accept(task_ptr& task) {
    if (!parts_.end.is_open_here()) {
        return refusal::shutting_down;
    }
    parts_.end.begin_use();
    if (task->is_delayed || task->repeats()) {
        return parts_.delayed.delay(task);
    }
    std::unique_ptr<record> fresh = thread_line::make(task->where, task->name);
    if (fresh == nullptr) {
        return refusal::out_of_memory;
    }
    const refusal why = enter(*fresh);
    if (why != refusal::none) {
        return why;
    }
    fresh->task = std::move(task);
    record* const entered = fresh.release();
    std::exception_ptr not_told;
    return try_start(entered, not_told) ? refusal::none : take_back(entered, task);
}

FIRE_AND_FORGET_ENGINE refusal own_threads::enter(record& fresh) noexcept {
    const library_lock lock(parts_.quiet.mutex());
    if (!parts_.end.is_open_here()) {
        return refusal::shutting_down;
    }
    if (!line_.add_thread(most())) {
        return refusal::no_thread;
    }
    ++accepted_;
    ++admissions_;
    running_.link(fresh); // OWN-1
    return refusal::none;
}

/// For a record whose thread could not be started.
FIRE_AND_FORGET_ENGINE refusal own_threads::take_back(record* fresh, task_ptr& task) {
    const std::unique_ptr<record> gone(fresh);
    bool is_ours = false;
    {
        const library_lock lock(parts_.quiet.mutex());
        line_.remove_thread();
        is_ours = unlink(*fresh);
        accepted_ -= is_ours ? 1 : 0;
    }
    if (is_ours) { // else closing has reported it as abandoned meanwhile
        task = std::move(fresh->task);
    }
    return is_ours ? refusal::no_thread : refusal::none;
}

FIRE_AND_FORGET_ENGINE refusal own_threads::start_coroutine(suspended& one) {
    return start_as_task(*this, one);
}

// What was delayed, or has been suspended ---------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool own_threads::resume_soon(suspended& one) noexcept {
    parts_.end.begin_use();
    one.due = steady_time();
    return resume_at(one);
}

FIRE_AND_FORGET_ENGINE void own_threads::repeat_after(task_ptr task, repetition answer) noexcept {
    parts_.delayed.repeat_after(std::move(task), answer);
}

FIRE_AND_FORGET_ENGINE bool own_threads::start_due(timer_node& item) noexcept {
    std::unique_ptr<record> fresh = thread_line::make(item);
    if (fresh == nullptr) {
        return false;
    }
    const library_lock lock(parts_.quiet.mutex());
    line_.push(*fresh.release());
    return true;
}

FIRE_AND_FORGET_ENGINE ward::visit own_threads::look_after(steady_time now) {
    visit result{parts_.delayed.serve(now)};
    send_threads();
    const library_lock lock(parts_.quiet.mutex());
    if (line_.has_too_few(most())) { // OWN-2
        result.next = earlier_of(result.next, line_.next_try());
    }
    return result;
}

/// Starts threads for what waits.
FIRE_AND_FORGET_ENGINE void own_threads::send_threads() {
    for (call_site where; prepare_thread(where);) {
        std::exception_ptr why;
        if (!try_start(nullptr, why)) {
            note_no_thread(where, std::move(why));
        }
    }
}

/// Counts a thread that is about to be started; false if there is nothing to start one for.
FIRE_AND_FORGET_ENGINE bool own_threads::prepare_thread(call_site& where) noexcept {
    const library_lock lock(parts_.quiet.mutex());
    const record* const first = line_.send_thread(most());
    if (first != nullptr) {
        where = first->where;
    }
    return first != nullptr;
}

/// What waits goes on waiting.
FIRE_AND_FORGET_ENGINE void own_threads::note_no_thread(const call_site& where,
                                                        std::exception_ptr why) {
    thread_trouble trouble;
    {
        const library_lock lock(parts_.quiet.mutex());
        trouble = line_.note_no_thread(where, std::move(why));
        parts_.quiet.notify();
    }
    if (!this_thread.is_keeper) { // else it knows
        parts_.delayed.request_visit();
    }
    if (trouble) {
        tell_off_the_keeper([trouble] { trouble.report("it waits for one", nullptr); });
    }
}

// Counting and closing ----------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE stats own_threads::snapshot() const {
    stats now;
    if (is_in_its_process()) {
        const library_lock lock(parts_.quiet.mutex());
        now = count();
    }
    now.refused = refused_.load(std::memory_order_relaxed);
    return now;
}

/// All counters but `refused`. Under the mutex.
FIRE_AND_FORGET_ENGINE stats own_threads::count() const noexcept {
    stats all = books.ends();
    all += parts_.delayed.count();
    ended_.add_to(all);
    all.accepted += accepted_ + books.accepted();
    all.threads = line_.threads();
    all.resumptions = resumptions_;
    const std::uint64_t over = all.succeeded + all.failed + all.dropped;
    // Of those that run some may be coroutines that were fired elsewhere.
    const std::uint64_t open = all.accepted - over;
    all.running = running_.count() < open ? running_.count() : as_size(open);
    all.pending = as_size(all.accepted - over - all.running);
    return all;
}

FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds own_threads::exit_timeout() const noexcept {
    return default_pool_door().exit_timeout();
}

FIRE_AND_FORGET_ENGINE std::uint64_t own_threads::admissions() const {
    const library_lock lock(parts_.quiet.mutex());
    return admissions_ + parts_.delayed.count().accepted + books.accepted();
}

FIRE_AND_FORGET_ENGINE bool own_threads::is_quiet(std::size_t own) const noexcept {
    return !parts_.delayed.has_awaited() && line_.is_empty() && !line_.has_coming() &&
           running_.count() <= own;
}

FIRE_AND_FORGET_ENGINE bool own_threads::abandon_queued(abandoned_tasks& abandoned, before_end) {
    record* left = nullptr;
    {
        const library_lock lock(parts_.quiet.mutex());
        left = line_.take_all();
        for (const record* one = left; one != nullptr; one = one->behind) {
            ended_.abandoned += one->coroutine == nullptr ? 1 : 0;
        }
    }
    const bool is_any = left != nullptr;
    const auto give_up_next = [&] {
        if (left == nullptr) {
            return false;
        }
        const std::unique_ptr<record> one(std::exchange(left, left->behind));
        if (one->coroutine != nullptr) {
            abandoned.add_queued(*one->coroutine);
        } else {
            abandoned.add_queued(std::move(one->task));
        }
        return true;
    };
    const abandonment under_way(give_up_next);
    while (give_up_next()) {
    }
    return is_any;
}

FIRE_AND_FORGET_ENGINE std::size_t
own_threads::write_off_running(abandoned_tasks& abandoned) noexcept {
    const std::size_t uncounted = running_.passing_written_off();
    const std::size_t given_up = running_.write_off(abandoned);
    ended_.abandoned += given_up - (running_.passing_written_off() - uncounted);
    return given_up;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
