// SPDX-License-Identifier: MIT
#pragma once

// The inside of a thread_pool: queue, workers, and the way they end. It may outlive the pool, for a
// worker whose task does not come to an end.

#include "../options.hpp"
#include "cpu_count.hpp"
#include "executor_core.hpp"
#include "task_queue.hpp"
#include "thread_start.hpp"
#include "worker_roster.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::detail {

/// Invariants  E1-E3 of executor_core, and
///             P1  epoch_ changes under mutex_ with every push and with dismissal. A worker that
///                 parks has read it under mutex_ while there was nothing to do, so no wake-up is
///                 lost.
/// Limits      One lock for all: a submit may have to wait for it, also while a worker is started.
class pool_core final : public executor_core {
public:
    explicit pool_core(pool_options settings)
        : options_(std::move(settings)),
          size_(options_.threads > 0 ? options_.threads : usable_cpus()) {
        set_sink(options_.on_error ? &options_.on_error : nullptr);
        exit_registry::instance().enlist(*this);
    }

    std::chrono::nanoseconds exit_deadline() const noexcept override {
        return options_.exit_deadline;
    }

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task) {
        thread_trouble trouble;
        {
            const std::lock_guard lock(mutex_);
            if (!admit()) {
                return refusal::shutting_down;
            }
            const call_site where = task->where;
            queue_.push(std::move(task));
            epoch_.fetch_add(1, std::memory_order_relaxed); // P1
            epoch_.notify_one();
            if (queue_.size() > idle_) {
                trouble = hire(where);
            }
            if (trouble) {
                keep(); // the task may end the pool once the lock is free
            }
        }
        if (trouble) {
            trouble.report("it waits for one", sink());
            release();
        }
        return refusal::none;
    }

    /// Lets the tasks finish until `deadline`, reports the rest, closes, and ends the threads. True
    /// if nothing was abandoned. From a task of this pool it only begins to close: false.
    bool shutdown_until(steady_time deadline) {
        if (!is_in_its_process()) {
            return false;
        }
        begin_closing();
        if (runs_this_thread()) {
            return false;
        }
        const bool all_done = close(deadline, later(deadline, sink_patience));
        dismiss_workers();
        return all_done;
    }

    /// At exit: nobody may use the pool's sink, which is the user's, once static destructors run.
    void close_for_exit(steady_time start, steady_time patience) override {
        executor_core::close_for_exit(start, patience);
        set_sink(nullptr);
    }

    /// The end of the pool's owner, who must not use it any more.
    void retire() {
        if (!is_in_its_process()) {
            return; // a forked child lets its parent's pool lie
        }
        const bool is_ours = runs_this_thread();
        shutdown_until(deadline_after(exit_deadline()));
        if (is_ours) { // It can't wait for itself: the workers go when the queue is empty.
            const std::lock_guard lock(mutex_);
            dismiss();
        }
        release();
    }

private:
    // The workers' side ---------------------------------------------------------------------------

    /// Ends a worker's life even where a task ends the thread by force.
    struct departure {
        pool_core& pool;
        worker& self;
        bool is_forced = true;
        departure(pool_core& in, worker& of) noexcept : pool(in), self(of) {}
        ~departure() {
            pool.leave(self, is_forced);
            pool.release();
        }
        departure(const departure&) = delete;
        departure& operator=(const departure&) = delete;
    };

    /// Settles a task even where it ends the thread by force: then it has failed.
    struct settlement {
        pool_core& pool;
        worker& self;
        fate result = fate::failed;
        settlement(pool_core& in, worker& of) noexcept : pool(in), self(of) {}
        ~settlement() {
            const std::lock_guard lock(pool.mutex_);
            self.is_running = false;
            pool.note_end(std::exchange(self.is_written_off, false), result);
        }
        settlement(const settlement&) = delete;
        settlement& operator=(const settlement&) = delete;
    };

    void work(worker& self) {
        departure at_the_end(*this, self);
        name_worker_thread(options_.name, self.number);
        while (task_ptr task = next_task(self)) {
            run(self, std::move(task));
        }
        at_the_end.is_forced = false;
    }

    void run(worker& self, task_ptr task) {
        settlement after(*this, self);
        after.result = run_task(std::move(task), lent());
    }

    /// Waits for a task. Null means that the worker is to leave.
    task_ptr next_task(worker& self) {
        std::unique_lock lock(mutex_);
        for (;;) {
            if (task_ptr task = start(self)) {
                return task;
            }
            if (is_dismissed_) {
                return nullptr;
            }
            const std::int32_t seen = epoch_.load(std::memory_order_relaxed); // P1
            ++idle_;
            lock.unlock();
            epoch_.wait(seen);
            lock.lock();
            --idle_;
        }
    }

    task_ptr start(worker& self) noexcept {
        task_ptr task = queue_.pop();
        if (task) {
            note_start();
            self.is_running = true;
            self.where = task->where;
            self.task = task->name;
        }
        return task;
    }

    /// A thread that a task has ended is replaced, and joined by the next one this happens to: many
    /// of them must not add up.
    void leave(worker& self, bool is_forced) {
        if (is_forced) {
            std::unique_lock lock(mutex_);
            workers_.join_left(lock);
        }
        thread_trouble trouble;
        {
            const std::lock_guard lock(mutex_);
            workers_.note_left(self);
            if (!queue_.empty()) {
                trouble = hire(self.where);
            }
            quiet_.notify_all();
        }
        trouble.report("it waits for one", sink());
    }

    /// Starts one more worker if the pool may have one. Under mutex_.
    thread_trouble hire(const call_site& where) {
        thread_trouble trouble;
        if (working() + (lent_ != nullptr ? 1 : 0) < size_) {
            constexpr thread_body live = [](void* pool, void* self) {
                static_cast<pool_core*>(pool)->work(*static_cast<worker*>(self));
            };
            keep(); // the worker's
            if (!workers_.hire(live, this, where, trouble)) {
                release();
            }
        }
        return trouble;
    }

    // The owner's side ----------------------------------------------------------------------------

    std::size_t queued() const noexcept override { return queue_.size(); }
    std::size_t threads() const noexcept override { return workers_.alive(); }
    task_queue take_queue() noexcept override { return std::exchange(queue_, {}); }
    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        std::size_t given_up = workers_.write_off_running(abandoned);
        if (lent_ != nullptr && !runs_this_thread()) {
            given_up += write_off(*lent_, abandoned) ? 1 : 0;
        }
        return given_up;
    }

    /// Workers that go on taking tasks.
    std::size_t working() const noexcept { return workers_.alive() - (is_worker_exiting_ ? 1 : 0); }

    /// A worker whose task calls exit() does not come back: another takes its place.
    void note_exit() noexcept override {
        if (workers_.has_this_thread()) {
            is_worker_exiting_ = true;
        } else if (runs_this_thread()) {
            lent_ = nullptr; // the exiting thread was the lent one
        }
        if (!queue_.empty()) {
            static_cast<void>(hire({}));
        }
    }

    /// With tasks but no worker: tries to start one, and if that has failed again runs a task here.
    /// Only for want of a thread, because a task that does not end would hold up the caller beyond
    /// its deadline.
    bool lend_a_hand(std::unique_lock<std::mutex>& lock, steady_time deadline) override {
        if (queue_.empty() || working() > 0 || lent_ != nullptr) {
            return false;
        }
        if (workers_.pause().is_over()) {
            static_cast<void>(hire({}));
            has_given_up_ = working() == 0;
            return true;
        }
        if (!has_given_up_) { // the system may have thought better of it when the pause is over
            wait_until(quiet_, lock, earlier_of(workers_.pause().end_time(), deadline));
            return true;
        }
        worker self;
        task_ptr task = start(self);
        struct loan {
            pool_core& pool;
            std::unique_lock<std::mutex>& held;
            ~loan() {
                held.lock();
                pool.lent_ = nullptr;
                pool.quiet_.notify_all(); // another waiter may be the next to lend a hand
            }
        };
        lent_ = &self;
        lock.unlock();
        const loan until_done{*this, lock};
        run(self, std::move(task));
        return true;
    }

    void dismiss() {
        is_dismissed_ = true;
        epoch_.fetch_add(1, std::memory_order_relaxed); // P1
        epoch_.notify_all();
    }

    /// Ends and joins every worker but those in a task that was written off; these go when it ends.
    void dismiss_workers() {
        std::unique_lock lock(mutex_);
        dismiss();
        quiet_.wait(lock, [this] { return workers_.is_deserted(); });
        workers_.join_left(lock);
    }

    const pool_options options_;
    const unsigned size_;
    std::atomic<std::int32_t> epoch_{0};
    bool is_dismissed_ = false;
    bool is_worker_exiting_ = false; ///< the task of one has called exit()
    bool has_given_up_ = false;      ///< no thread for a waiter either, at its last try
    worker* lent_ = nullptr;         ///< a waiting thread that runs a task, for want of workers
    task_queue queue_;
    std::size_t idle_ = 0;

    worker_roster workers_;
};

} // namespace faf::detail
