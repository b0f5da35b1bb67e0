// SPDX-License-Identifier: MIT
#pragma once

#include "closing.hpp"

#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/module_stay.hpp"
#include "../platform/reentry.hpp"
#include "abandoned_tasks.hpp"
#include "delayed_tasks.hpp"
#include "errands.hpp"
#include "sink_lending.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void closing::begin_first_use() noexcept {
    module_stay::instance().begin();
    if (!keeper::instance().enlist(watched_) || has_module_.exchange(true)) {
        module_stay::instance().end(); // another thread was quicker
    }
    is_in_use_.store(true, std::memory_order_release);
    if (is_closed()) { // meanwhile, by a thread that may have called end_use() before
        end_use(steady_time());
    }
}

/// When it is closed and its threads have left, but for those that were given up. When this
/// returns for the last executor and none was, nothing of the library runs any more, and the
/// module may be unloaded.
FIRE_AND_FORGET_ENGINE void closing::end_use(steady_time deadline) noexcept {
    library_threads::instance().join_left_until(deadline, &asked_);
    if (keeper::instance().dismiss(watched_)) {
        errands::instance().finish(deadline_after(exit_patience));
    }
    is_in_use_.store(false, std::memory_order_release);
    if (!library_threads::instance().has_any(&asked_) && has_module_.exchange(false)) {
        module_stay::instance().end();
    }
}

FIRE_AND_FORGET_ENGINE bool closing::drain_until(steady_time deadline) {
    if (runs_this_thread() || !asked_.is_in_its_process()) {
        return false;
    }
    std::unique_lock lock(quiet_.mutex());
    return wait_quiet(lock, deadline) && written_off_ == 0;
}

FIRE_AND_FORGET_ENGINE void closing::begin() {
    asked_.note_closing();
    if (!asked_.is_in_its_process()) {
        return;
    }
    {
        const library_lock lock(quiet_.mutex());
        if (phase_.load(std::memory_order_relaxed) == phase::open) {
            phase_.store(phase::closing, std::memory_order_relaxed);
            dropped_before_ = lent_.home->books.dropped();
        }
    }
    stop_.request_stop(); // runs callbacks of users
    delayed_.notice_stop();
    for (wait_entry* wait = lent_.home->books.stop_waits(); wait != nullptr;) {
        wait_entry& one = *std::exchange(wait, static_cast<wait_entry*>(wait->next));
        one.stop(one);
    }
    delayed_.end_repeating();
}

FIRE_AND_FORGET_ENGINE void closing::give_up_late(steady_time deadline) {
    if (asked_.is_in_its_process()) {
        sink_time for_sinks(deadline);
        give_up_late(deadline, for_sinks);
    }
}

FIRE_AND_FORGET_ENGINE void closing::give_up_late(steady_time deadline, sink_time& for_sinks) {
    abandoned_tasks abandoned(lent_, for_sinks);
    delayed_.close(deadline, abandoned);
}

FIRE_AND_FORGET_ENGINE bool closing::shutdown_until(steady_time deadline) {
    if (!asked_.is_in_its_process()) {
        return false;
    }
    begin();
    if (runs_this_thread()) {
        return false;
    }
    sink_time for_sinks(deadline);
    const bool all_done = close(deadline, for_sinks);
    static_cast<void>(asked_.end_threads(deadline));
    end_use(later(deadline, exit_patience));
    return all_done;
}

FIRE_AND_FORGET_ENGINE void closing::wait_for_exit(steady_time start, sink_time& for_sinks) {
    give_up_late(exit_time(start), for_sinks);
    asked_.note_exit();
    std::unique_lock lock(quiet_.mutex());
    static_cast<void>(wait_quiet(lock, exit_time(start)));
}

FIRE_AND_FORGET_ENGINE void closing::close_for_exit(steady_time start, sink_time& for_sinks) {
    static_cast<void>(close(exit_time(start), for_sinks));
    sink_.give_up(exit_time(start));
}

FIRE_AND_FORGET_ENGINE void closing::end_threads(steady_time deadline) {
    if (asked_.end_threads(deadline)) {
        end_use(deadline);
    }
}

/// Closes when all is quiet or the deadline has passed, and reports what is left as abandoned.
/// True if nothing was, here or by others, since it began to close.
FIRE_AND_FORGET_ENGINE bool closing::close(steady_time deadline, sink_time& for_sinks) {
    abandoned_tasks abandoned(lent_, for_sinks);
    coroutine_books& books = lent_.home->books;
    delayed_.close(deadline, abandoned);
    std::unique_lock lock(quiet_.mutex());
    if (is_settled_) {
        return !has_abandoned_;
    }
    static_cast<void>(wait_quiet(lock, deadline));
    phase_.store(phase::closed, std::memory_order_relaxed);
    asked_.note_closed();
    lock.unlock();
    asymmetric_barrier::heavy(); // CLOSING-2
    delayed_.end(abandoned);     // CLOSING-3
    lock.lock();
    // Again, for what came in at the last moment.
    const auto was = wait_quiet(lock, deadline) ? shutdown_participant::before_end::quiet
                                                : shutdown_participant::before_end::busy;
    lock.unlock();
    const bool has_left_tasks = asked_.abandon_queued(abandoned, was);
    abandon_waits(*lent_.home, abandoned);
    lock.lock();
    if (!wait_quiet(lock, deadline)) {
        written_off_ += asked_.write_off_running(abandoned);
        books.write_off_away(
            [&](const away_entry& one) { abandoned.add_running(one.where, one.name); });
    }
    has_abandoned_ = has_abandoned_ || has_left_tasks || delayed_.has_abandoned() ||
                     abandoned.has_any() || books.dropped() > dropped_before_;
    is_settled_ = true;
    quiet_.notify(); // what was given up is no longer waited for
    return !has_abandoned_;
}

FIRE_AND_FORGET_ENGINE bool closing::is_quiet(std::size_t own,
                                              std::size_t own_open) const noexcept {
    const coroutine_books& books = lent_.home->books;
    const std::uint64_t closed = books.closed() + own_open; // BOOKS-1
    return asked_.is_quiet(own) && books.waiting() == 0 && books.opened() <= closed;
}

/// Waits until nothing is queued, and nothing runs but the task this is called from.
FIRE_AND_FORGET_ENGINE bool closing::wait_quiet(std::unique_lock<std::mutex>& lock,
                                                steady_time deadline) {
    const inside_library waiting;
    const std::size_t own = depth_of(&lent_);
    const std::size_t own_open = depth_in_books(&lent_.home->books);
    const quiescence::waiter entered(quiet_);
    for (slices wait; !is_quiet(own, own_open);) {
        if (steady_clock::now() >= deadline) {
            return false;
        }
        quiet_.wait(wait, lock, deadline);
        lock.unlock();
        insist();
        lock.lock();
    }
    return true;
}

/// For who waits in vain: a call may have been lost, or a thread refused.
FIRE_AND_FORGET_ENGINE void closing::insist() {
    const outside_library telling; // it may make reports
    asked_.call_again();
    keeper::instance().insist();
    errands::instance().run_left();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
