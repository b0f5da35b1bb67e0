// SPDX-License-Identifier: MIT
#pragma once

#include "../errors/stderr_sink.hpp"
#include "../platform/thread_end.hpp"
#include "exit_registry.hpp"

#include "../errors/sink_slot.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/module_stay.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "abandoned_tasks.hpp"
#include "closing.hpp"
#include "errands.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE exit_registry& exit_registry::instance() noexcept {
    return of_process.get();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
exit_registry::enlist(shutdown_participant& fresh) noexcept {
    bool is_due = true;
    {
        const library_lock lock(mutex_);
        has_new_one_ = true;
        fresh.next_ = first_;
        if (first_ != nullptr) {
            first_->previous_ = &fresh;
        }
        first_ = &fresh;
        is_due = std::exchange(is_due_, true);
    }
    if (!is_due) {
        register_step();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void exit_registry::note_work() noexcept {
    bool is_new = false;
    {
        const library_lock lock(mutex_);
        is_new = std::exchange(has_new_one_, false);
    }
    if (is_new) {
        register_step();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
exit_registry::strike_off(shutdown_participant& gone) noexcept {
    const library_lock lock(mutex_);
    (gone.previous_ != nullptr ? gone.previous_->next_ : first_) = gone.next_;
    if (gone.next_ != nullptr) {
        gone.next_->previous_ = gone.previous_;
    }
    gone.next_ = gone.previous_ = nullptr;
}

/// Without room for it exit drains nothing; nobody could be told.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void exit_registry::register_step() noexcept {
    static_cast<void>(call_at_exit<&exit_here>());
}

/// In a forked child that has made no executor there is nothing to end: the threads and their
/// tasks are its parent's.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void exit_registry::exit_here() {
    if (exit_registry* const registry = of_process.find()) {
        registry->exit();
    }
}

/// A thread in the step. There are several where main returns while a task calls exit(): the C
/// library has the second one run the rest, and end the process in the middle of what the first
/// one reports; and where both go on at the same time, glibc before 2.41 may free its list of
/// handlers twice. So whoever is done waits for the others, and who is not the first one stays.
///
/// A handler that is registered at the beginning of the step leads the next one into it as well,
/// before that one takes from the list what is to be called after the step. And where a handler has
/// registered another, glibc looks at its list anew; else it would go on in a block of 32 that the
/// next one has emptied and freed (2.36).
class exit_registry::exiting_thread {
public:
    exiting_thread* next = nullptr; ///< on the list of the registry
    exiting_thread** link = nullptr;

    explicit exiting_thread(exit_registry& to) : at_(to) {
        {
            const library_lock lock(at_.mutex_);
            at_.exiting_.add(*this);
            if (at_.first_to_exit_ == std::thread::id()) {
                at_.first_to_exit_ = thread_;
            }
        }
        static_cast<void>(call_at_exit<&exit_meanwhile_here>());
        at_.for_each([](closing& one) { one.note_exiting(); });
        this_thread.left = this_thread.running;
        this_thread.left_loans = this_thread.loans;
    }
    exiting_thread(const exiting_thread&) = delete;
    exiting_thread& operator=(const exiting_thread&) = delete;
    ~exiting_thread() {
        const library_lock lock(at_.mutex_);
        static_cast<void>(at_.exiting_.remove(*this));
        at_.one_is_done_.notify_all();
    }

    /// Whether the first one is in the step, and this is another thread.
    static bool is_beside_the_first(exit_registry& at) noexcept {
        const library_lock lock(at.mutex_);
        const std::thread::id self = std::this_thread::get_id();
        const auto is_first = [&](const exiting_thread& one) {
            return one.thread_ == at.first_to_exit_;
        };
        return self != at.first_to_exit_ && at.exiting_.find(is_first) != nullptr;
    }

    /// Not for those of this thread: one whose sink has called exit() never comes back.
    void wait_for_others(steady_time deadline) {
        const inside_library inside;
        std::unique_lock lock(at_.mutex_);
        is_done_ = true;
        at_.one_is_done_.notify_all();
        const auto is_busy = [](const exiting_thread& one) { return !one.is_done_; };
        while (has_other(is_busy) && steady_clock::now() < deadline) {
            wait_until(at_.one_is_done_, lock, deadline);
        }
    }

    /// Known where there are several in a module that is kept: so it is not being unloaded, and
    /// those of the library's threads that have called exit() won't end.
    bool is_end_of_program() const noexcept {
        if (!module_stay::instance().is_kept()) {
            return false;
        }
        const library_lock lock(at_.mutex_);
        return has_other([](const exiting_thread&) { return true; });
    }

    /// The first one ends the process meanwhile, with its exit code. Not for ever: it may join this
    /// thread. Nor in a module that the first one may be about to unload.
    void leave_the_end_to_the_first() const {
        if (thread_ != at_.first_to_exit_ &&
            (!is_in_loaded_module() || module_stay::instance().is_kept())) {
            std::this_thread::sleep_for(std::chrono::seconds(2));
        }
    }

private:
    template <class Is>
    bool has_other(Is is_it) const noexcept {
        const auto is_other = [&](const exiting_thread& one) {
            return one.thread_ != thread_ && is_it(one);
        };
        return at_.exiting_.find(is_other) != nullptr;
    }

    exit_registry& at_;
    const std::thread::id thread_ = std::this_thread::get_id();
    bool is_done_ = false;
};

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void exit_registry::exit_meanwhile_here() {
    exit_registry* const registry = of_process.find();
    if (registry != nullptr && exiting_thread::is_beside_the_first(*registry)) {
        registry->exit();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void exit_registry::exit() {
    if (process_ != process_number()) {
        return; // forked without telling anybody: by _Fork() or a system call
    }
    const cancellation_deferred whole;
    exiting_thread own(*this);
    const steady_time start = steady_clock::now();
    {
        // One that is enlisted from here on, by a task or by the end of a sink, may come too late
        // to be visited: it has another step registered.
        const library_lock lock(mutex_);
        is_due_ = false;
    }
    const steady_time end = latest_end(start);
    sink_time for_sinks(end); // one for all: slow sinks must not add up
    const auto close_all = [&] {
        for_each([&](closing& one) { one.close_for_exit(start, for_sinks); });
    };
    bool has_begun = false;
    const auto close_now = [&] { // for a scope that waits for what has its turn later
        const bool is_first = !std::exchange(has_begun, true);
        if (is_first) {
            close_all();
        }
        return is_first;
    };
    const abandonment under_way(close_now, end);
    for_each([](closing& one) { one.begin(); });
    wait_for_all(start, for_sinks);
    close_all();
    if (is_in_loaded_module()) {
        module_stay::instance().note_exit();
        if (!own.is_end_of_program()) { // the module may be about to be unloaded
            for_each([&](closing& one) { one.end_threads(deadline_after(exit_patience)); });
            take_last_steps();
        }
    }
    errands::instance().finish(deadline_after(exit_patience));
    library_threads::instance().join_left_until(deadline_after(exit_patience));
    own.wait_for_others(deadline_after(sink_time::patience));
    default_sink().flush_for_exit();
    // The user's sink may refer to what static destructors end from here on.
    global_sink().clear();
    own.leave_the_end_to_the_first();
}

/// Tasks of one may fire tasks at another: all are quiet when nothing was accepted during a
/// round in which each was found quiet.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void exit_registry::wait_for_all(steady_time start,
                                                                      sink_time& for_sinks) {
    std::uint64_t before = 0;
    do {
        before = admissions(start);
        for_each([&](closing& one) { one.wait_for_exit(start, for_sinks); });
    } while (admissions(start) != before);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE steady_time exit_registry::latest_end(steady_time start) {
    steady_time latest = start;
    for_each([&](const closing& one) {
        const steady_time its_end = one.exit_time(start);
        latest = latest < its_end ? its_end : latest;
    });
    return latest;
}

/// Of those whose deadlines have not come.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::uint64_t exit_registry::admissions(steady_time start) {
    std::uint64_t sum = 0;
    for_each([&](const closing& one) {
        sum += steady_clock::now() < one.exit_time(start) ? one.admissions() : 0;
    });
    return sum;
}

/// Visits those that are there when it begins. No lock is held meanwhile: tasks may make
/// and end pools. The one being visited is kept, so it stays in its place on the list.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
exit_registry::for_each(function_ref<void(closing&)> visit) {
    shutdown_participant* one = keep_next(nullptr);
    while (one != nullptr) {
        visit(one->closing_);
        shutdown_participant* const next = keep_next(one);
        one->release();
        one = next;
    }
}

/// The one after `from`, or the first, kept; null when there is none.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE shutdown_participant*
exit_registry::keep_next(const shutdown_participant* from) noexcept {
    const library_lock lock(mutex_);
    shutdown_participant* one = from != nullptr ? from->next_ : first_;
    while (one != nullptr && !one->try_keep()) {
        one = one->next_;
    }
    return one;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
