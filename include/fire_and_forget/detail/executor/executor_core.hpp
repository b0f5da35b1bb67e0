// SPDX-License-Identifier: MIT
#pragma once

// What a pool and own_thread have in common: when they are quiet, and the way they close.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/module_stay.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "abandoned_tasks.hpp"
#include "errands.hpp"
#include "executor_timers.hpp"
#include "keeper.hpp"
#include "lifecycle.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  E1  mutex_ guards all but what is constant or atomic, and phase_ changes under it;
///                 while it is held no user code runs and no report is made.
///             E2  phase_ goes from open over closing to closed. When close() has had it closed and
///                 has passed a heavy barrier, what has been accepted is fixed: whoever stores a
///                 task without the mutex looks at phase_ once more afterwards, and takes the task
///                 back if it is closed. So closing leaves nothing accepted behind.
///             E3  A thread that waits for quiet has entered itself in waiters_ and passed a full
///                 fence before it looks whether it is quiet. A worker that ends a task without the
///                 mutex passes a full fence before it looks for waiters.
///             E4  Closing first closes the timers' intake, and takes out what is left there before
///                 it waits for the last time: so nothing comes from there afterwards.
class executor_core : public executor_timers {
public:
    /// True on its workers, also between tasks: they must not wait for themselves.
    bool runs_this_thread() const noexcept {
        return this_thread.works_for == &lent() || inside_a_task_of(&lent());
    }

    /// Whether this thread may store a task: while closing, only running tasks may.
    bool is_open_here() const noexcept {
        const phase now = phase_.load(std::memory_order_relaxed);
        return (now == phase::open || (now == phase::closing && inside_a_task())) &&
               is_in_its_process();
    }

    /// Whether nothing is taken any more, from nobody.
    bool is_closed() const noexcept {
        return phase_.load(std::memory_order_relaxed) == phase::closed || !is_in_its_process();
    }

    /// What to answer where it is not open.
    refusal why_not_open() const noexcept {
        return is_in_its_process() ? refusal::shutting_down : refusal::forked_child;
    }

    /// To be called before anything is stored, with no lock held: from now on the keeper comes by,
    /// and the module stays loaded.
    void begin_use() noexcept {
        if (!is_in_use_.load(std::memory_order_acquire) && !is_closed()) [[unlikely]] {
            module_stay::instance().begin();
            if (!keeper::instance().enlist(*this) || has_module_.exchange(true)) {
                module_stay::instance().end(); // another thread was quicker
            }
            is_in_use_.store(true, std::memory_order_release);
            if (is_closed()) { // meanwhile, by a thread that may have called end_use() before
                end_use(steady_time());
            }
        }
    }

    void note_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }

    /// In a forked child: what it has refused there, and nothing of what its parent does.
    stats snapshot() const {
        stats now;
        if (is_in_its_process()) {
            const library_lock lock(mutex_);
            now = count();
        }
        now.refused = refused_.load(std::memory_order_relaxed);
        return now;
    }

    /// Waits until nothing is queued or running. From a task of its own: false at once.
    bool drain_until(steady_time deadline) {
        if (runs_this_thread() || !is_in_its_process()) {
            return false;
        }
        std::unique_lock lock(mutex_);
        return wait_quiet(lock, deadline) && written_off_ == 0;
    }

    void begin_closing() override {
        if (!is_in_its_process()) {
            return;
        }
        {
            const library_lock lock(mutex_);
            if (phase_.load(std::memory_order_relaxed) == phase::open) {
                phase_.store(phase::closing, std::memory_order_relaxed);
                dropped_before_ = books.dropped();
            }
        }
        request_stop(); // runs callbacks of users
    }

    /// Nothing more is to wait for its time, and what can't start before `deadline` is given up now.
    void give_up_late_timers(steady_time deadline) {
        if (is_in_its_process()) {
            sink_time for_sinks(deadline);
            give_up_late_timers(deadline, for_sinks);
        }
    }

    void wait_for_exit(steady_time start, sink_time& for_sinks) override {
        give_up_late_timers(exit_time(start), for_sinks);
        std::unique_lock lock(mutex_);
        note_exit(lock);
        static_cast<void>(wait_quiet(lock, exit_time(start)));
    }

    void close_for_exit(steady_time start, sink_time& for_sinks) override {
        close(exit_time(start), for_sinks);
    }

    steady_time exit_time(steady_time start) const override { return later(start, exit_timeout()); }

    virtual std::chrono::nanoseconds exit_timeout() const noexcept = 0;

    /// The sink, for a report by a thread that is none of the executor's: its owner waits for that.
    class sink_loan {
    public:
        explicit sink_loan(executor_core& from) noexcept
            : from_(from), frame_{&from, this_thread.loans} {
            from.keep();
            this_thread.loans = &frame_;
            const library_lock lock(from.mutex_);
            ++from.borrowers_;
        }
        ~sink_loan() {
            this_thread.loans = frame_.outer;
            if (!from_.is_in_its_process()) {
                return; // the sink has forked, and comes back in the child
            }
            {
                const library_lock lock(from_.mutex_);
                --from_.borrowers_;
                from_.quiet_.notify_all();
            }
            from_.release();
        }
        sink_loan(const sink_loan&) = delete;
        sink_loan& operator=(const sink_loan&) = delete;

        const error_sink* sink() const noexcept { return from_.sink(); }

    private:
        executor_core& from_;
        const loan_frame frame_;
    };

    /// For a thread of its own, after user code: if that has forked and comes back in the child, this
    /// is the child's only thread, there is nothing more for it to do, and the child ends as if its
    /// main had returned.
    void end_if_forked() const {
        if (!is_in_its_process()) [[unlikely]] {
            std::exit(EXIT_SUCCESS); // NOLINT(concurrency-mt-unsafe): the only thread
        }
    }

protected:
    /// When it is closed and its threads have left, but for those that were given up. When this
    /// returns for the last executor and none was, nothing of the library runs any more, and the
    /// module may be unloaded.
    void end_use(steady_time deadline) noexcept {
        library_threads::instance().join_left_until(deadline, this);
        if (keeper::instance().dismiss(*this)) {
            errands::instance().finish(deadline_after(exit_patience));
        }
        is_in_use_.store(false, std::memory_order_release);
        if (!library_threads::instance().has_any(this) && has_module_.exchange(false)) {
            module_stay::instance().end();
        }
    }

    enum class phase : std::uint8_t { open, closing, closed };

    /// From now on the sink is not called any more, for what it refers to may end. Who has borrowed
    /// it and calls it now is waited for until `deadline`, but for the calling thread.
    void give_up_sink(steady_time deadline) {
        std::unique_lock lock(mutex_);
        const std::size_t own = loans_from(this);
        for (slices wait;
             borrowers_ > own && sink() != nullptr && steady_clock::now() < deadline;) {
            wait.next(quiet_, lock, deadline);
        }
        set_sink(nullptr);
    }

    /// For those that end tasks without the mutex, when they may have ended the last.
    void tell_waiters() noexcept override {
        full_fence(); // E3
        if (waiters_.load(std::memory_order_relaxed) > 0) {
            std::unique_lock lock(mutex_, std::defer_lock);
            static_cast<void>(try_lock_soon(lock)); // if it fails, they look again by themselves
            quiet_.notify_all();
        }
    }

    /// Closes when all is quiet or the deadline has passed, and reports what is left as abandoned.
    /// True if nothing was, here or by others, since it began to close.
    bool close(steady_time deadline, sink_time& for_sinks) {
        abandoned_tasks abandoned(lent(), for_sinks);
        close_timers(deadline, abandoned);
        std::unique_lock lock(mutex_);
        if (is_settled_) {
            return !has_abandoned_;
        }
        static_cast<void>(wait_quiet(lock, deadline));
        phase_.store(phase::closed, std::memory_order_relaxed);
        note_closed();
        lock.unlock();
        asymmetric_barrier::heavy(); // E2
        end_timers(abandoned);       // E4
        lock.lock();
        // Again, for what came in at the last moment.
        const bool was_quiet = wait_quiet(lock, deadline);
        lock.unlock();
        const bool has_left_tasks = abandon_queued(abandoned, was_quiet);
        abandon_waits(*this, abandoned);
        lock.lock();
        if (!wait_quiet(lock, deadline)) {
            written_off_ += write_off_running(abandoned);
            books.write_off_away(
                [&](const away_entry& one) { abandoned.add_running(one.where, one.name); });
        }
        has_abandoned_ = has_abandoned_ || has_left_tasks || has_abandoned_timers() ||
                         abandoned.has_any() || books.dropped() > dropped_before_;
        is_settled_ = true;
        quiet_.notify_all(); // what was given up is no longer waited for
        return !has_abandoned_;
    }

    /// Whether close() is through. Under the mutex.
    bool is_settled() const noexcept { return is_settled_; }

    /// The end of a task that was written off. Under the mutex.
    void note_written_off_end() noexcept {
        --written_off_;
        quiet_.notify_all();
    }

    // What the two do differently; all under the mutex, but for abandon_queued().

    /// All counters but `refused`.
    virtual stats count() const noexcept = 0;

    /// Whether nothing is queued, and of the tasks only `own` still run.
    virtual bool is_quiet(std::size_t own) const noexcept = 0;

    /// Nothing more is to be accepted.
    virtual void note_closed() noexcept = 0;

    /// Settles what is still queued and sees to it that nothing more starts; true if any was.
    /// If it `was_quiet` when nothing was accepted any more, what seems to be queued has come too late.
    virtual bool abandon_queued(abandoned_tasks& abandoned, bool was_quiet) = 0;

    /// Gives up the tasks that run, but for that of the calling thread; returns how many.
    virtual std::size_t write_off_running(abandoned_tasks& abandoned) noexcept = 0;

    /// The program exits, by the calling thread.
    virtual void note_exit(std::unique_lock<std::mutex>& lock) = 0;

    /// Nothing has been heard for a while: calls those again who may not have heard a call.
    virtual void call_again() noexcept = 0;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;

private:
    void give_up_late_timers(steady_time deadline, sink_time& for_sinks) {
        abandoned_tasks abandoned(lent(), for_sinks);
        close_timers(deadline, abandoned);
    }

    /// For who waits in vain: a call may have been lost, or a thread refused.
    static void insist() {
        const outside_library telling; // it may make reports
        keeper::instance().insist();
        errands::instance().run_left();
    }

    bool is_quiet_with_coroutines(std::size_t own, std::size_t own_open) const noexcept {
        const std::uint64_t closed = books.closed() + own_open; // B1
        return is_quiet(own) && books.waiting() == 0 && books.opened() <= closed;
    }

    /// Waits until nothing is queued, and nothing runs but the task this is called from.
    bool wait_quiet(std::unique_lock<std::mutex>& lock, steady_time deadline) {
        const inside_library waiting;
        const std::size_t own = depth_of(&lent());
        const std::size_t own_open = depth_in_books_of(static_cast<const scheduler*>(this));
        waiters_.fetch_add(1, std::memory_order_relaxed);
        full_fence(); // E3
        const scope_guard at_the_end([&] { waiters_.fetch_sub(1, std::memory_order_relaxed); });
        for (slices wait; !is_quiet_with_coroutines(own, own_open);) {
            if (steady_clock::now() >= deadline) {
                return false;
            }
            wait.next(quiet_, lock, deadline);
            call_again();
            lock.unlock();
            insist();
            lock.lock();
        }
        return true;
    }

    std::atomic<phase> phase_{phase::open};
    std::atomic<bool> is_in_use_{false};
    std::atomic<bool> has_module_{false}; ///< it keeps the module loaded
    std::atomic<std::uint32_t> waiters_{0};
    std::atomic<std::uint64_t> refused_{0};
    bool has_abandoned_ = false;
    bool is_settled_ = false;
    std::size_t borrowers_ = 0;        ///< of the sink
    std::size_t written_off_ = 0;      ///< still run, but were reported as abandoned
    std::uint64_t dropped_before_ = 0; ///< coroutines given up by others, before it began to close
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
