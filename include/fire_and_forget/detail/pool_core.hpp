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
#include <new>
#include <utility>

namespace faf::detail {

/// Invariants  E1-E3 of executor_core, and
///             P1  epoch_ changes under mutex_ with every push and with dismissal. A worker that
///             parks
///                 has read it under mutex_ while there was nothing to do, so no wake-up is lost.
/// Limits      One lock for all: a submit may have to wait for it.
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
        const error_sink* const of_pool = sink(); // a task may end the pool once the lock is free
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
        }
        trouble.report("it waits for one", of_pool);
        return refusal::none;
    }

    /// Lets the tasks finish until `deadline`, reports the rest, closes, and ends the threads. True
    /// if nothing was abandoned. From a task of this pool it only begins to close: false.
    bool shutdown_until(steady_time deadline) {
        begin_closing();
        if (runs_this_thread()) {
            return false;
        }
        const bool all_done = close(deadline);
        dismiss_workers();
        return all_done;
    }

    /// The end of the pool's owner, who must not use it any more.
    void retire() {
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
            join_left(lock);
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

    /// Starts one more worker if the pool may have one. Under mutex_: the new thread's first step
    /// waits for it, so its record is complete. After a failure the next try waits a little, and a
    /// row of failures is reported once.
    thread_trouble hire(const call_site& where) {
        if (working() + (is_lending_ ? 1 : 0) >= size_ || !pause_.is_over()) {
            return {};
        }
        auto* const recruit = new (std::nothrow) worker;
        if (recruit == nullptr) {
            return pause_.begin(where, nullptr);
        }
        recruit->number = workers_.next_number();
        constexpr thread_body live = [](void* pool, void* self) {
            static_cast<pool_core*>(pool)->work(*static_cast<worker*>(self));
        };
        keep();
        if (std::exception_ptr why = start_thread(recruit->thread, live, this, recruit)) {
            release();
            delete recruit;
            return pause_.begin(where, std::move(why));
        }
        pause_.end();
        workers_.add(recruit);
        return {};
    }

    // The owner's side ----------------------------------------------------------------------------

    std::size_t queued() const noexcept override { return queue_.size(); }
    std::size_t threads() const noexcept override { return workers_.alive(); }
    task_queue take_queue() noexcept override { return std::exchange(queue_, {}); }
    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        return workers_.write_off_running(abandoned);
    }

    /// Workers that go on taking tasks.
    std::size_t working() const noexcept { return workers_.alive() - exiting_; }

    /// A worker whose task calls exit() does not come back: another takes its place.
    void note_exit() noexcept override {
        if (workers_.has_this_thread()) {
            exiting_ = 1;
        } else if (runs_this_thread()) {
            is_lending_ = false; // it was lent
        }
        if (!queue_.empty()) {
            static_cast<void>(hire({}));
        }
    }

    /// With tasks but no worker: tries once more to start one, else runs a task here. Only for want
    /// of a thread, because a task that does not end would hold up the caller beyond its deadline.
    bool lend_a_hand(std::unique_lock<std::mutex>& lock) override {
        if (queue_.empty() || working() > 0 || is_lending_) {
            return false;
        }
        static_cast<void>(hire({}));
        if (working() > 0) {
            return false;
        }
        worker self;
        task_ptr task = start(self);
        struct loan {
            bool& is_lending;
            std::unique_lock<std::mutex>& held;
            ~loan() {
                held.lock();
                is_lending = false;
            }
        };
        is_lending_ = true;
        lock.unlock();
        const loan until_done{is_lending_, lock};
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
        join_left(lock);
    }

    void join_left(std::unique_lock<std::mutex>& lock) {
        while (worker* const gone = workers_.take_left()) {
            lock.unlock();
            gone->thread.join();
            delete gone;
            lock.lock();
        }
    }

    const pool_options options_;
    const unsigned size_;

    std::atomic<std::int32_t> epoch_{0};
    bool is_dismissed_ = false;
    bool is_lending_ = false; ///< a waiting thread runs a task, for want of workers
    task_queue queue_;
    std::size_t idle_ = 0;
    std::size_t exiting_ = 0; ///< 1 if the task of a worker has called exit()
    worker_roster workers_;
    hiring_pause pause_;
};

} // namespace faf::detail
