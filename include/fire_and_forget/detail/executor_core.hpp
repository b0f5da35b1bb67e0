// SPDX-License-Identifier: MIT
#pragma once

// What a pool and own_thread have in common: the count of their tasks, and the way they close.

#include "../options.hpp"
#include "../stats.hpp"
#include "abandoned_tasks.hpp"
#include "lifecycle.hpp"
#include "platform.hpp"
#include "run_task.hpp"
#include "thread_state.hpp"
#include "time.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::detail {

/// Invariants  E1  mutex_ guards all but stop_, host_ and process_; while it is held no user code
///                 runs and no report is made.
///             E2  accepted == succeeded + failed + dropped + queued() + running_ whenever mutex_
///                 is free.
///             E3  A task is accepted and the executor found open in one critical section, so
///                 closing leaves nothing accepted behind.
class executor_core : public exit_party {
public:
    const error_sink* sink() const noexcept { return host_.sink.load(std::memory_order_relaxed); }
    bool runs_this_thread() const noexcept { return inside_a_task_of(&host_); }

    std::uint64_t admissions() const override {
        const std::lock_guard lock(mutex_);
        return admissions_;
    }

    void note_refused() {
        const std::lock_guard lock(mutex_);
        ++counts_.refused;
    }

    stats snapshot() const {
        const std::lock_guard lock(mutex_);
        stats now = counts_;
        now.pending = queued();
        now.running = running_;
        now.threads = threads();
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
            if (phase_ == phase::open) {
                phase_ = phase::closing;
            }
        }
        stop_.request_stop(); // runs callbacks of users
    }

    bool wait_for_exit(steady_time start) override {
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

protected:
    executor_core() : stop_(make_stop_source()), host_{nullptr, stop_.get_token()} {}

    /// To be called while it is being made, and with null when the sink may not be called any more.
    /// Relaxed: whoever ends a sink must know by other means that no thread is about to call it.
    void set_sink(const error_sink* sink) noexcept {
        host_.sink.store(sink, std::memory_order_relaxed);
    }

    /// False in a forked child: it has no threads, and locks may be held by threads of its parent.
    bool is_in_its_process() const noexcept { return process_ == process_number(); }

    const host& lent() const noexcept { return host_; }

    // All from here on under mutex_, but for close().

    /// Counts a task as accepted, or as refused; while closing, only running tasks may add more.
    bool admit() noexcept {
        if (phase_ == phase::closed || (phase_ == phase::closing && !inside_a_task())) {
            ++counts_.refused;
            return false;
        }
        ++counts_.accepted;
        ++admissions_;
        return true;
    }

    void note_start() noexcept { ++running_; }

    /// Counts the end of a task. One that was written off has been counted as dropped by then.
    void note_end(bool was_written_off, fate result) noexcept {
        if (was_written_off) {
            --written_off_;
        } else {
            ++(result == fate::succeeded ? counts_.succeeded
               : result == fate::failed  ? counts_.failed
                                         : counts_.dropped);
            --running_;
        }
        wake_waiters();
    }

    /// Undoes admit() and note_start() for a task that another executor takes.
    void withdraw() noexcept {
        --counts_.accepted;
        --running_;
        wake_waiters();
    }

    void wake_waiters() noexcept {
        if (queued() == 0 && running_ <= 1) { // the last one may be the task of a waiter
            quiet_.notify_all();
        }
    }

    /// Closes when all is quiet or the deadline has passed, and reports what is left as abandoned.
    /// True if nothing was, now or before.
    bool close(steady_time deadline, steady_time patience) {
        abandoned_tasks abandoned(host_, patience);
        task_queue left;
        std::unique_lock lock(mutex_);
        const bool finished = wait_quiet(lock, deadline);
        phase_ = phase::closed; // E3
        left = take_queue();
        counts_.dropped += left.size();
        if (!finished) {
            const std::size_t given_up = write_off_running(abandoned);
            running_ -= given_up;
            written_off_ += given_up;
            counts_.dropped += given_up;
        }
        has_abandoned_ = has_abandoned_ || !finished;
        const bool all_done = !has_abandoned_;
        lock.unlock();
        abandoned.add_queued(std::move(left));
        return all_done;
    }

    /// Waits until nothing is queued, and nothing runs but the task this is called from.
    bool wait_quiet(std::unique_lock<std::mutex>& lock, steady_time deadline) {
        const std::size_t own = runs_this_thread() ? 1 : 0;
        while (queued() > 0 || running_ > own) {
            if (steady_clock::now() >= deadline) {
                return false;
            }
            if (!lend_a_hand(lock, deadline)) {
                wait_until(quiet_, lock, deadline);
            }
        }
        return true;
    }

    // What the two do differently.

    virtual std::size_t queued() const noexcept = 0;
    virtual std::size_t threads() const noexcept = 0;
    virtual task_queue take_queue() noexcept = 0;

    /// Gives up the tasks that run, but for that of the calling thread; returns how many.
    virtual std::size_t write_off_running(abandoned_tasks& abandoned) noexcept = 0;

    /// The program exits, by the calling thread.
    virtual void note_exit() noexcept = 0;

    /// Does a piece of the work on the waiting thread if nobody else can; false if there was none.
    virtual bool lend_a_hand(std::unique_lock<std::mutex>& lock, steady_time deadline) = 0;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;

private:
    enum class phase : std::uint8_t { open, closing, closed };

    const long process_ = process_number();
    stop_source stop_;
    host host_;
    phase phase_ = phase::open;
    bool has_abandoned_ = false;
    stats counts_;
    std::uint64_t admissions_ = 0;
    std::size_t running_ = 0;
    std::size_t written_off_ = 0; ///< still run, but were reported as abandoned
};

} // namespace faf::detail
