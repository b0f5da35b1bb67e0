// SPDX-License-Identifier: MIT
#pragma once

// What a pool and own_thread have in common: what waits for its time, and the way they close.

#include "../options.hpp"
#include "../stats.hpp"
#include "abandoned_tasks.hpp"
#include "asymmetric_barrier.hpp"
#include "attempt.hpp"
#include "keeper.hpp"
#include "lifecycle.hpp"
#include "platform.hpp"
#include "run_task.hpp"
#include "scheduler.hpp"
#include "thread_state.hpp"
#include "time.hpp"
#include "timer_queue.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::detail {

/// Invariants  E1  mutex_ guards all but what is constant or atomic, and phase_ changes under it;
///                 while it is held no user code runs and no report is made.
///             E2  phase_ goes from open over closing to closed. When close() has had it closed and
///                 has passed a heavy barrier, what has been accepted is fixed: whoever stores a
///                 task without the mutex looks at phase_ once more afterwards, and takes the task
///                 back if it is closed. So closing leaves nothing accepted behind.
///             E3  A thread that waits for quiet has entered itself in waiters_ and passed a full
///                 fence before it looks whether it is quiet. A worker that ends a task without the
///                 mutex passes a full fence before it looks for waiters.
///             E4  Closing first closes the timers' intake, and takes out what is left there, before
///                 phase_ is closed: so nothing comes from there afterwards.
class executor_core : public exit_party, public scheduler, protected ward {
public:
    const error_sink* sink() const noexcept { return host_.sink.load(std::memory_order_relaxed); }
    /// True on its workers, also between tasks: they must not wait for themselves.
    bool runs_this_thread() const noexcept {
        return this_thread.works_for == &host_ || inside_a_task_of(&host_);
    }

    /// Whether this thread may store a task: while closing, only running tasks may.
    bool is_open_here() const noexcept {
        const phase now = phase_.load(std::memory_order_relaxed);
        return now == phase::open || (now == phase::closing && inside_a_task());
    }

    void note_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }

    stats snapshot() const {
        const std::lock_guard lock(mutex_);
        stats now = count();
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
        {
            const std::lock_guard lock(mutex_);
            if (phase_.load(std::memory_order_relaxed) == phase::open) {
                phase_.store(phase::closing, std::memory_order_relaxed);
            }
        }
        stop_.request_stop(); // runs callbacks of users
        notice_stop();
    }

    bool wait_for_exit(steady_time start) override {
        end_timers(exit_time(start), later(exit_time(start), sink_patience));
        std::unique_lock lock(mutex_);
        note_exit();
        return wait_quiet(lock, exit_time(start));
    }

    void close_for_exit(steady_time start, steady_time patience) override {
        close(exit_time(start), patience);
    }

    steady_time exit_time(steady_time start) const override {
        return later(start, exit_deadline());
    }

    virtual std::chrono::nanoseconds exit_deadline() const noexcept = 0;

    // What waits for its time ---------------------------------------------------------------------

    steady_time now() const noexcept final { return steady_clock::now(); }

    bool resume_at(suspended& one) noexcept final {
        const steady_time due = one.due; // it may be gone once it is stored
        const bool is_kept = timers_.push(one);
        if (is_kept) {
            call_keeper(one_of_many() ? steady_time::min() : due, {});
        }
        return is_kept;
    }

    void notice_stop() noexcept final {
        if (timers_.seems_used()) {
            timers_.request_sweep();
            call_keeper(steady_time::min(), {});
        }
    }

    void keep_scheduler() noexcept final { keep(); }
    void release_scheduler() noexcept final { release(); }

protected:
    enum class phase : std::uint8_t { open, closing, closed };

    executor_core() : stop_(make_stop_source()), host_{nullptr, stop_.get_token(), this} {}

    /// When it is complete: other threads call its virtual functions from here on.
    void begin_service() {
        exit_registry::instance().enlist(*this);
        keeper::instance().enlist(*this);
    }
    void end_service() noexcept { keeper::instance().strike_off(*this); }

    bool try_hold() noexcept final { return try_keep(); }
    void let_go() noexcept final { release(); }
    bool has_news() const noexcept final { return timers_.has_news(); }
    visit look_after(steady_time now) override { return {serve_timers(now), false}; }

    /// Takes `task` to be started when it is due, or says why not and leaves it.
    refusal delay(task_ptr& task) {
        if (!try_watch(*task)) {
            return refusal::out_of_memory;
        }
        task_node* const node = task.get();
        const steady_time due = node->due;
        const call_site where = node->where;
        if (!timers_.push(*node)) {
            return refusal::shutting_down;
        }
        static_cast<void>(task.release());
        call_keeper(one_of_many() ? steady_time::min() : due, where);
        return refusal::none;
    }

    /// What run_task does with a task that is to be run again.
    void repeat(task_ptr task, std::uint64_t skipped) {
        skipped_.fetch_add(skipped, std::memory_order_relaxed);
        const steady_time due = task->due;
        const call_site where = task->where;
        if (timers_.push(*task)) { // else it has run for the last time
            static_cast<void>(task.release());
            call_keeper(due, where);
        }
    }

    /// Starts what is due; returns when to come again.
    steady_time serve_timers(steady_time now) {
        bool is_any = false;
        const steady_time next = timers_.serve(now, most_at_once, [&](timed& item) {
            const bool is_stored = start_due(item);
            is_any = is_any || is_stored;
            return is_stored;
        });
        if (is_any) {
            after_starting();
        }
        return next;
    }

    /// Those that wait for their time or have been given up while they did.
    stats count_timers() const noexcept {
        stats all;
        all.accepted = timers_.accepted();
        all.cancelled = undue_cancelled_.load(std::memory_order_relaxed);
        all.dropped = all.cancelled + undue_abandoned_.load(std::memory_order_relaxed);
        all.skipped = skipped_.load(std::memory_order_relaxed);
        return all;
    }
    bool has_awaited_timers() const noexcept { return timers_.awaited() > 0; }

    /// To be called while it is being made, and with null when the sink may not be called any more.
    /// Relaxed: whoever ends a sink must know by other means that no thread is about to call it.
    void set_sink(const error_sink* sink) noexcept {
        host_.sink.store(sink, std::memory_order_relaxed);
    }

    /// False in a forked child: it has no threads, and locks may be held by threads of its parent.
    bool is_in_its_process() const noexcept { return process_ == process_number(); }

    const host& lent() const noexcept { return host_; }

    /// For those that end tasks without the mutex, when they may have ended the last.
    void tell_waiters() noexcept {
        full_fence(); // E3
        if (waiters_.load(std::memory_order_relaxed) > 0) {
            const std::lock_guard lock(mutex_);
            quiet_.notify_all();
        }
    }

    /// Closes when all is quiet or the deadline has passed, and reports what is left as abandoned.
    /// True if nothing was, now or before.
    bool close(steady_time deadline, steady_time patience) {
        end_timers(deadline, patience);
        abandoned_tasks abandoned(host_, patience);
        std::unique_lock lock(mutex_);
        if (is_settled_) {
            return !has_abandoned_;
        }
        static_cast<void>(wait_quiet(lock, deadline));
        lock.unlock();
        abandon_timers(abandoned, [](const timed&) { return true; }); // E4
        lock.lock();
        phase_.store(phase::closed, std::memory_order_relaxed);
        note_closed();
        lock.unlock();
        asymmetric_barrier::heavy(); // E2
        lock.lock();
        // Again, for what came in at the last moment.
        static_cast<void>(wait_quiet(lock, deadline));
        lock.unlock();
        const bool has_left_tasks = abandon_queued(abandoned);
        lock.lock();
        if (!wait_quiet(lock, deadline)) {
            const std::size_t given_up = write_off_running(abandoned);
            written_off_ += given_up;
            has_abandoned_ = has_abandoned_ || given_up > 0;
        }
        has_abandoned_ = has_abandoned_ || has_left_tasks ||
                         undue_abandoned_.load(std::memory_order_relaxed) > 0;
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

    // What the two do differently; all under the mutex, but for abandon_queued() and what starts
    // timers.

    /// Stores what has become due where a thread will find it; false if that needs memory that is
    /// not there. Under the timers' lock, so nothing may be reported.
    virtual bool start_due(timed& item) noexcept = 0;

    /// Sees to it that threads come for what was stored.
    virtual void after_starting() = 0;

    /// All counters but `refused`.
    virtual stats count() const noexcept = 0;

    /// Whether nothing is queued, and of the tasks only `own` still run.
    virtual bool is_quiet(std::size_t own) const noexcept = 0;

    /// Nothing more is to be accepted.
    virtual void note_closed() noexcept = 0;

    /// Settles what is still queued and sees to it that nothing more starts; true if any was.
    virtual bool abandon_queued(abandoned_tasks& abandoned) = 0;

    /// Gives up the tasks that run, but for that of the calling thread; returns how many.
    virtual std::size_t write_off_running(abandoned_tasks& abandoned) noexcept = 0;

    /// The program exits, by the calling thread.
    virtual void note_exit() noexcept = 0;

    /// Does a piece of the work on the waiting thread if nobody else can; false if there was none.
    virtual bool lend_a_hand(std::unique_lock<std::mutex>& lock, steady_time deadline) = 0;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;

private:
    static constexpr unsigned most_at_once = 256;

    /// Has the sweep of timers notice when the token of a delayed task is asked to stop.
    bool try_watch(task_node& task) {
        bool is_done = true;
        if (task.details != nullptr && task.details->stop.stop_possible()) {
            task.details->watch = new (std::nothrow) stop_watch(task.details->stop, *this);
            is_done = task.details->watch != nullptr;
        }
        return is_done;
    }

    /// Whether the keeper should come by, lest too many are left in the intake.
    bool one_of_many() const noexcept { return timers_.accepted() % 1024 == 0; }

    /// Has the keeper come by at `due`; at the beginning of time is at once.
    void call_keeper(steady_time due, const call_site& where) {
        const thread_trouble trouble = keeper::instance().notice_deadline(due, where);
        trouble.report("what waits for its time waits for one", sink());
    }

    /// Nothing more is to wait for its time, and what can't be started before `deadline` is given up:
    /// what repeats is cancelled, the rest is abandoned.
    void end_timers(steady_time deadline, steady_time patience) {
        timers_.close();
        abandoned_tasks abandoned(host_, patience);
        abandon_timers(abandoned, [deadline](const timed& item) {
            return !is_awaited(item) || (!item.is_resumption && deadline < item.due);
        });
    }

    template <class Predicate>
    void abandon_timers(abandoned_tasks& abandoned, Predicate is_it) {
        bool is_any = false;
        for (timed* item = timers_.take_if(is_it); item != nullptr; is_any = true) {
            timed& one = *std::exchange(item, item->next);
            (is_awaited(one) ? undue_abandoned_ : undue_cancelled_)
                .fetch_add(1, std::memory_order_relaxed);
            if (one.is_resumption) {
                abandoned.add_queued(static_cast<suspended&>(one));
            } else if (task_ptr task(&static_cast<task_node&>(one)); is_awaited(one)) {
                abandoned.add_delayed(std::move(task));
            } else {
                drop_task(std::move(task), host_, failure::cancelled, {});
            }
        }
        if (is_any) {
            tell_waiters();
        }
    }

    /// Waits until nothing is queued, and nothing runs but the task this is called from.
    bool wait_quiet(std::unique_lock<std::mutex>& lock, steady_time deadline) {
        const std::size_t own = runs_this_thread() ? 1 : 0;
        struct presence {
            std::atomic<std::uint32_t>& waiters;
            explicit presence(std::atomic<std::uint32_t>& among) noexcept : waiters(among) {
                waiters.fetch_add(1, std::memory_order_relaxed);
                full_fence(); // E3
            }
            ~presence() { waiters.fetch_sub(1, std::memory_order_relaxed); }
        };
        const presence entered(waiters_);
        while (!is_quiet(own)) {
            if (steady_clock::now() >= deadline) {
                return false;
            }
            if (lend_a_hand(lock, deadline)) {
                continue;
            }
            if (has_awaited_timers() && !keeper::instance().has_thread()) {
                lock.unlock();
                const steady_time next = serve_timers(now());
                lock.lock();
                wait_until(quiet_, lock,
                           earlier_of(deadline, earlier_of(next, deadline_after(keeper::tick))));
            } else {
                wait_until(quiet_, lock, deadline);
            }
        }
        return true;
    }

    const long process_ = process_number();
    stop_source stop_;
    host host_;
    std::atomic<phase> phase_{phase::open};
    std::atomic<std::uint32_t> waiters_{0};
    std::atomic<std::uint64_t> refused_{0};
    timer_queue timers_;
    std::atomic<std::uint64_t> undue_cancelled_{0}; ///< before their time had come
    std::atomic<std::uint64_t> undue_abandoned_{0};
    std::atomic<std::uint64_t> skipped_{0};
    bool has_abandoned_ = false;
    bool is_settled_ = false;
    std::size_t written_off_ = 0; ///< still run, but were reported as abandoned
};

} // namespace faf::detail
