// SPDX-License-Identifier: MIT
#pragma once

#include "own_thread_roster.hpp"
#include "own_threads.hpp"
#include "pool_door.hpp"
#include "thread_line.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../executor/errands.hpp"
#include "../executor/exit_registry.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/signals.hpp"
#include "../platform/thread_state.hpp"
#include "../task/resumption.hpp"
#include "../task/run_task.hpp"
#include "default_pool.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <thread>
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
    const refusal why = roster_.enter(*fresh, most());
    if (why != refusal::none) {
        return why;
    }
    fresh->task = std::move(task);
    record* const entered = fresh.release();
    std::exception_ptr not_told;
    return try_start(entered, not_told) ? refusal::none : take_back(entered, task);
}

/// For a record whose thread could not be started.
FIRE_AND_FORGET_ENGINE refusal own_threads::take_back(record* fresh, task_ptr& task) {
    const std::unique_ptr<record> gone(fresh);
    const bool is_ours = roster_.take_back(*fresh);
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
    roster_.line_up(*fresh.release());
    return true;
}

FIRE_AND_FORGET_ENGINE ward::visit own_threads::look_after(steady_time now) {
    visit result{parts_.delayed.serve(now)};
    send_threads();
    result.next = earlier_of(result.next, roster_.next_try(most())); // OWN-2
    return result;
}

/// Starts threads for what waits.
FIRE_AND_FORGET_ENGINE void own_threads::send_threads() {
    while (const std::optional<call_site> where = roster_.send_thread(most())) {
        std::exception_ptr why;
        if (!try_start(nullptr, why)) {
            note_no_thread(*where, std::move(why));
        }
    }
}

FIRE_AND_FORGET_ENGINE void own_threads::note_no_thread(const call_site& where,
                                                        std::exception_ptr why) {
    const thread_trouble trouble = roster_.note_no_thread(where, std::move(why));
    if (!this_thread.is_keeper) { // else it knows
        parts_.delayed.request_visit();
    }
    if (trouble) {
        tell_off_the_keeper([trouble] { trouble.report("it waits for one", nullptr); });
    }
}

// Threads -----------------------------------------------------------------------------------------

/// Tries three times: the system may refuse a thread for a moment only. The thread begins with
/// `first`, if there is one.
FIRE_AND_FORGET_ENGINE bool own_threads::try_start(record* first, std::exception_ptr& why) {
    constexpr thread_body body = [](void* owner, void* record_of_it) {
        static_cast<own_threads*>(static_cast<shutdown_participant*>(owner))
            ->live(static_cast<record*>(record_of_it));
    };
    void* const owner = static_cast<shutdown_participant*>(this);
    const std::size_t stack = stack_size.load(std::memory_order_relaxed);
    bool is_started = start_thread(body, owner, first, why, stack);
    for (int tries = 1; tries < 3 && !is_started; ++tries) {
        std::this_thread::yield();
        is_started = start_thread(body, owner, first, why, stack);
    }
    if (is_started) {
        roster_.note_started();
    }
    return is_started;
}

/// Settles the record even where the task ends the thread by force: then it has failed.
FIRE_AND_FORGET_ENGINE void own_threads::live(record* first) {
    std::unique_ptr<record> self;
    fate result = fate::failed;
    const scope_guard at_the_end([&] {
        end_if_forked();
        library_threads::instance().leave(); // JOIN-1
        end_thread(self.get(), result);
    });
    const profiling_ticks_taken meanwhile;
    for (record* next = roster_.begin(first, most()); next != nullptr;
         next = roster_.next(*self, result, most())) {
        self.reset(next);
        result = fate::failed;
        result = run(*self);
    }
}

FIRE_AND_FORGET_ENGINE fate own_threads::run(record& self) {
    const running_entry_item item(parts_.quiet.mutex(), self, &parts_.lent);
    name_own_thread(or_empty(self.name));
    if (self.coroutine != nullptr) {
        resumption coroutine{self.coroutine};
        return run_task(coroutine.task(), parts_.lent);
    }
    return run_task(std::move(self.task), parts_.lent,
                    [this](task_ptr& again, std::uint64_t skipped) {
                        static_cast<void>(parts_.delayed.repeat(again, skipped));
                    });
}

/// What has come to wait for a thread meanwhile gets another.
FIRE_AND_FORGET_ENGINE void own_threads::end_thread(record* last, fate result) {
    if (roster_.end_thread(last, result, most())) { // OWN-2
        send_threads();
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
    roster_.add_to(all);
    all.accepted += books.accepted();
    const std::uint64_t over = all.succeeded + all.failed + all.dropped;
    // Of those that run some may be coroutines that were fired elsewhere.
    const std::uint64_t open = all.accepted - over;
    all.running = roster_.running() < open ? roster_.running() : as_size(open);
    all.pending = as_size(all.accepted - over - all.running);
    return all;
}

FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds own_threads::exit_timeout() const noexcept {
    return default_pool_door().exit_timeout();
}

FIRE_AND_FORGET_ENGINE std::uint64_t own_threads::admissions() const {
    const library_lock lock(parts_.quiet.mutex());
    return roster_.admissions() + parts_.delayed.count().accepted + books.accepted();
}

FIRE_AND_FORGET_ENGINE bool own_threads::is_quiet(std::size_t own) const noexcept {
    return !parts_.delayed.has_awaited() && roster_.is_quiet(own);
}

FIRE_AND_FORGET_ENGINE bool own_threads::abandon_queued(abandoned_tasks& abandoned, before_end) {
    record* left = roster_.give_up_waiting();
    const bool is_any = left != nullptr;
    give_up_all([&] {
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
    });
    return is_any;
}

FIRE_AND_FORGET_ENGINE std::size_t
own_threads::write_off_running(abandoned_tasks& abandoned) noexcept {
    return roster_.write_off_running(abandoned);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
