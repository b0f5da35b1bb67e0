// SPDX-License-Identifier: MIT
#pragma once

#include "closing.hpp"

#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/module_stay.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "abandoned_tasks.hpp"
#include "delayed_tasks.hpp"
#include "errands.hpp"
#include "sink_lending.hpp"

#include <cstddef>
#include <iterator>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::begin_first_use() noexcept {
    const cancellation_deferred whole;
    module_stay::instance().begin();
    if (!keeper::instance().enlist(watched_) || has_module_.exchange(true)) {
        module_stay::instance().end(); // another thread was quicker
    }
    is_in_use_.store(true, std::memory_order_release);
    if (is_closed()) { // meanwhile, by a thread that may have called end_use() before
        end_use(steady_time());
    }
}

/// What there is to do at the end, in this order. // CLOSING-4
class closing::last_steps {
public:
    last_steps(closing& of, steady_time deadline, sink_time& for_sinks, who waits)
        : of_(of), deadline_(deadline), waits_(waits), abandoned_(of.lent_, for_sinks),
          under_way_(*this, deadline) {}
    last_steps(const last_steps&) = delete;
    last_steps& operator=(const last_steps&) = delete;

    /// Takes the next one; false if there is none.
    [[gnu::cold]] bool operator()() {
        using step = void (last_steps::*)();
        constexpr step steps[] = {&last_steps::give_up_late,    &last_steps::wait,
                                  &last_steps::close,           &last_steps::end_timers,
                                  &last_steps::wait_again,      &last_steps::give_up_queued,
                                  &last_steps::give_up_waiting, &last_steps::settle};
        if (is_over_ || taken_ == std::size(steps)) {
            return false;
        }
        (this->*steps[taken_++])();
        return true;
    }

    /// True if nothing was abandoned.
    [[gnu::cold]] bool take_all() {
        while ((*this)()) {
        }
        const library_lock lock(of_.quiet_.mutex());
        return !of_.has_abandoned_;
    }

private:
    [[gnu::cold]] void give_up_late() { of_.delayed_.close(deadline_, abandoned_); }

    [[gnu::cold]] void wait() {
        inside_library waiting;
        std::unique_lock lock(of_.quiet_.mutex());
        is_over_ = of_.is_settled_;
        if (!is_over_) {
            static_cast<void>(of_.wait_quiet(waiting, lock, deadline_, waits_));
        }
    }

    [[gnu::cold]] void close() {
        {
            const library_lock lock(of_.quiet_.mutex());
            of_.phase_.store(phase::closed, std::memory_order_relaxed);
            of_.asked_.note_closed();
        }
        asymmetric_barrier::heavy(); // CLOSING-2
    }

    [[gnu::cold]] void end_timers() { of_.delayed_.end(abandoned_); } // CLOSING-3

    /// For what came in at the last moment.
    [[gnu::cold]] void wait_again() {
        inside_library waiting;
        std::unique_lock lock(of_.quiet_.mutex());
        if (of_.wait_quiet(waiting, lock, deadline_, waits_)) {
            was_ = shutdown_participant::before_end::quiet;
        }
    }

    [[gnu::cold]] void give_up_queued() {
        const bool has_left_tasks = of_.asked_.abandon_queued(abandoned_, was_);
        const library_lock lock(of_.quiet_.mutex());
        of_.has_abandoned_ = of_.has_abandoned_ || has_left_tasks;
    }

    [[gnu::cold]] void give_up_waiting() { abandon_waits(*of_.lent_.home, abandoned_); }

    [[gnu::cold]] void settle() {
        coroutine_books& books = of_.lent_.home->books;
        inside_library waiting;
        std::unique_lock lock(of_.quiet_.mutex());
        const bool all_quiet = of_.wait_quiet(waiting, lock, deadline_, waits_);
        if (!all_quiet) {
            const std::size_t many = of_.asked_.write_off_running(abandoned_);
            of_.written_off_ += many;
            of_.has_abandoned_ = of_.has_abandoned_ || many > 0; // a turn drops its rest later
            books.write_off_away(
                [&](const away_entry& one) { abandoned_.add_running(one.where, one.name); });
        }
        of_.has_abandoned_ = of_.has_abandoned_ || of_.delayed_.has_abandoned() ||
                             abandoned_.has_any() || books.dropped() > of_.dropped_before_ ||
                             // Their ends are yet to come; after a rest, it is refused.
                             (!all_quiet && books.closed() < books.opened());
        of_.is_settled_ = true;
        of_.quiet_.notify(); // what was given up is no longer waited for
    }

    closing& of_;
    const steady_time deadline_;
    const who waits_;
    abandoned_tasks abandoned_;
    std::size_t taken_ = 0;
    bool is_over_ = false;
    shutdown_participant::before_end was_ = shutdown_participant::before_end::busy;
    const abandonment under_way_;
};

/// When it is closed and its threads have left, but for those that were given up. When this
/// returns for the last executor and none was, nothing of the library runs any more, and the
/// module may be unloaded.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::end_use(steady_time deadline) noexcept {
    const cancellation_deferred whole;
    library_threads::instance().join_left_until(deadline, &asked_);
    if (keeper::instance().dismiss(watched_)) {
        errands::instance().finish(deadline_after(exit_patience));
    }
    is_in_use_.store(false, std::memory_order_release);
    if (!library_threads::instance().has_any(&asked_) && has_module_.exchange(false)) {
        module_stay::instance().end();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool closing::drain_until(steady_time deadline) {
    if (runs_this_thread() || !asked_.is_in_its_process()) {
        return false;
    }
    inside_library waiting;
    std::unique_lock lock(quiet_.mutex());
    return wait_quiet(waiting, lock, deadline, who::caller) && written_off_ == 0;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::begin() {
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
        wait_entry& one = *std::exchange(wait, wait->next);
        one.stop(one);
    }
    delayed_.end_repeating();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::give_up_late(steady_time deadline) {
    if (asked_.is_in_its_process()) {
        sink_time for_sinks(deadline);
        give_up_late(deadline, for_sinks);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::give_up_late(steady_time deadline,
                                                                sink_time& for_sinks) {
    abandoned_tasks abandoned(lent_, for_sinks);
    delayed_.close(deadline, abandoned);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool closing::shutdown_until(steady_time deadline) {
    if (!asked_.is_in_its_process()) {
        return false;
    }
    if (runs_this_thread()) {
        begin();
        return false;
    }
    sink_time for_sinks(deadline);
    bool all_done = false;
    {
        last_steps steps(*this, deadline, for_sinks, who::caller);
        begin();
        all_done = steps.take_all();
    }
    if (!asked_.is_in_its_process()) { // a sink has forked
        return false;
    }
    static_cast<void>(asked_.end_threads(deadline));
    end_use(later(deadline, exit_patience));
    return all_done;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::note_exiting() noexcept {
    {
        const library_lock lock(quiet_.mutex());
        left_by_exit_.tasks += depth_of(&lent_, this_thread.left);
        left_by_exit_.open += depth_in_books(&lent_.home->books, this_thread.left);
        quiet_.notify();
    }
    sink_.note_exiting();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::wait_for_exit(steady_time start,
                                                                 sink_time& for_sinks) {
    give_up_late(exit_time(start), for_sinks);
    asked_.note_exit();
    inside_library waiting;
    std::unique_lock lock(quiet_.mutex());
    static_cast<void>(wait_quiet(waiting, lock, exit_time(start), who::exiting));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::close_for_exit(steady_time start,
                                                                  sink_time& for_sinks) {
    static_cast<void>(close(exit_time(start), for_sinks));
    sink_.give_up(exit_time(start));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::end_threads(steady_time deadline) {
    if (asked_.is_in_its_process() && asked_.end_threads(deadline)) {
        end_use(deadline);
    }
}

/// Closes when all is quiet or the deadline has passed, and reports what is left as abandoned.
/// True if nothing was, here or by others, since it began to close.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool closing::close(steady_time deadline,
                                                         sink_time& for_sinks) {
    return last_steps(*this, deadline, for_sinks, who::exiting).take_all();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool closing::is_quiet(const exempt& but) const noexcept {
    const coroutine_books& books = lent_.home->books;
    const std::uint64_t closed = books.closed() + but.open; // BOOKS-1
    return asked_.is_quiet(but.tasks) && books.waiting() == 0 && books.opened() <= closed;
}

/// Waits until nothing is queued, and nothing runs but the task this is called from, and at exit
/// those from which others have called exit().
[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool closing::wait_quiet(inside_library& waiting,
                                                              std::unique_lock<std::mutex>& lock,
                                                              steady_time deadline, who waits) {
    const exempt own{depth_of(&lent_), depth_in_books(&lent_.home->books)};
    const exempt& but = waits == who::exiting ? left_by_exit_ : own; // which has its own, too
    const quiescence::waiter entered(quiet_);
    for (slices wait; !is_quiet(but);) {
        if (steady_clock::now() >= deadline) {
            return false;
        }
        quiet_.wait(wait, lock, deadline);
        lock.unlock();
        insist(waiting);
        lock.lock();
    }
    return true;
}

/// For who waits in vain: a call may have been lost, or a thread refused.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void closing::insist(inside_library& waiting) {
    const outside_library telling(waiting); // it may make reports
    asked_.call_again();
    keeper::instance().insist();
    errands::instance().run_left();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
