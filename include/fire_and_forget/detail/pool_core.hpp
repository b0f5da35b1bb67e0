// SPDX-License-Identifier: MIT
#pragma once

// The inside of a thread_pool: queue, workers, and the way they end. It may outlive the pool, for a
// worker whose task does not come to an end.

#include "../options.hpp"
#include "../stats.hpp"
#include "abandoned_tasks.hpp"
#include "cpu_count.hpp"
#include "lifecycle.hpp"
#include "platform.hpp"
#include "run_task.hpp"
#include "task.hpp"
#include "task_queue.hpp"
#include "thread_start.hpp"
#include "thread_state.hpp"
#include "time.hpp"
#include "worker_roster.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace faf::detail {

/// Invariants  P1  mutex_ guards every member but host_, options_, size_ and stop_; while it is held
///                 no user code runs and no report is made.
///             P2  accepted == succeeded + failed + dropped + queue_.size() + running_ whenever
///                 mutex_ is free.
///             P3  A task is accepted and the pool found open in one critical section, so closing
///                 leaves nothing accepted behind.
///             P4  epoch_ changes under mutex_ with every push and with dismissal. A worker that
///                 parks has read it under mutex_ while there was nothing to do, so no wake-up is
///                 lost.
/// Limits      One lock for all: a submit may have to wait for it.
class pool_core final : public exit_party {
public:
    explicit pool_core(pool_options settings)
        : options_(std::move(settings)),
          size_(options_.threads > 0 ? options_.threads : usable_cpus()),
          stop_(make_stop_source()), host_{options_.on_error ? &options_.on_error : nullptr,
                                           stop_.get_token()} {
        exit_registry::instance().enlist(*this);
    }

    const error_sink* sink() const noexcept { return host_.sink; }
    std::chrono::nanoseconds exit_deadline() const noexcept { return options_.exit_deadline; }

    /// Takes `task`, or says why not and leaves it. While closing, only running tasks may add more.
    refusal accept(task_ptr& task) {
        thread_trouble trouble;
        {
            const std::lock_guard lock(mutex_);
            if (phase_ == phase::closed || (phase_ == phase::closing && !inside_a_task())) {
                ++counts_.refused;
                return refusal::shutting_down;
            }
            ++counts_.accepted;
            const call_site where = task->where;
            queue_.push(std::move(task));
            epoch_.fetch_add(1, std::memory_order_relaxed); // P4
            if (queue_.size() > idle_) {
                trouble = hire(where);
            }
        }
        epoch_.notify_one();
        trouble.report("it waits for one", host_.sink);
        return refusal::none;
    }

    void note_refused() {
        const std::lock_guard lock(mutex_);
        ++counts_.refused;
    }

    stats snapshot() const {
        const std::lock_guard lock(mutex_);
        stats now = counts_;
        now.pending = queue_.size();
        now.running = running_;
        now.threads = workers_.alive();
        return now;
    }

    bool is_quiet() const {
        const std::lock_guard lock(mutex_);
        return queue_.empty() && running_ == 0;
    }

    /// Waits until nothing is queued or running. From a task of this pool: false at once.
    bool drain_until(steady_time deadline) {
        if (inside_a_task_of(&host_)) {
            return false;
        }
        std::unique_lock lock(mutex_);
        return wait_quiet(lock, deadline);
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

    /// Lets the tasks finish until `deadline`, reports the rest, closes, and ends the threads. True
    /// if nothing was abandoned. From a task of this pool it only begins to close: false.
    bool shutdown_until(steady_time deadline) {
        begin_closing();
        if (inside_a_task_of(&host_)) {
            return false;
        }
        const bool finished = close(deadline);
        dismiss_workers();
        return finished;
    }

    /// The threads stay parked: none is joined while the program ends.
    void close_for_exit(steady_time start) override { close(later(start, options_.exit_deadline)); }

    /// The end of the pool's owner, who must not use it any more.
    void retire() {
        const bool is_ours = inside_a_task_of(&host_);
        shutdown_until(later(steady_clock::now(), options_.exit_deadline));
        if (is_ours) { // It can't wait for itself: the workers go when they have run what is
                       // queued.
            const std::lock_guard lock(mutex_);
            dismiss();
        }
        exit_registry::instance().strike_off(*this);
        release();
    }

private:
    enum class phase : std::uint8_t { open, closing, closed };

    // The workers' side ---------------------------------------------------------------------------

    /// Ends a worker's life even where a task ends the thread by force.
    struct departure {
        pool_core& pool;
        worker& self;
        departure(pool_core& in, worker& of) noexcept : pool(in), self(of) {}
        ~departure() {
            pool.leave(self);
            pool.release();
        }
        departure(const departure&) = delete;
        departure& operator=(const departure&) = delete;
    };

    void work(worker& self) {
        const departure at_the_end(*this, self);
        name_worker_thread(options_.name, self.number);
        while (task_ptr task = next_task(self)) {
            settle(self, run_task(std::move(task), host_));
        }
    }

    /// Waits for a task. Null means that the worker is to leave.
    task_ptr next_task(worker& self) {
        std::unique_lock lock(mutex_);
        while (queue_.empty()) {
            if (is_dismissed_) {
                return nullptr;
            }
            const std::int32_t seen = epoch_.load(std::memory_order_relaxed); // P4
            ++idle_;
            lock.unlock();
            epoch_.wait(seen);
            lock.lock();
            --idle_;
        }
        return start(self);
    }

    task_ptr start(worker& self) noexcept {
        task_ptr task = queue_.pop();
        ++running_;
        self.is_running = true;
        self.where = task->where;
        self.task = task->name;
        return task;
    }

    void settle(worker& self, fate result) {
        const std::lock_guard lock(mutex_);
        self.is_running = false;
        if (self.is_written_off) {
            return; // counted as dropped when it was reported
        }
        --running_;
        ++(result == fate::succeeded ? counts_.succeeded
           : result == fate::failed  ? counts_.failed
                                     : counts_.dropped);
        if (queue_.empty() && running_ <= 1) { // the last one may be the task of a waiter
            quiet_.notify_all();
        }
    }

    void leave(worker& self) {
        if (self.is_running) { // a task ended the thread: it has failed
            settle(self, fate::failed);
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
        trouble.report("it waits for one", host_.sink);
    }

    /// Starts one more worker if the pool may have one. Under mutex_: the new thread's first step
    /// waits for it, so its record is complete. After a failure the next try waits a little, and a
    /// row of failures is reported once.
    thread_trouble hire(const call_site& where) {
        if (workers_.alive() >= size_ || !pause_.is_over()) {
            return {};
        }
        std::unique_ptr<worker> recruit(new (std::nothrow) worker);
        if (!recruit) {
            return pause_.begin(where, nullptr);
        }
        recruit->number = workers_.next_number();
        keep();
        constexpr thread_body live = [](void* pool, void* self) {
            static_cast<pool_core*>(pool)->work(*static_cast<worker*>(self));
        };
        if (std::exception_ptr why = start_thread(recruit->thread, live, this, recruit.get())) {
            release();
            return pause_.begin(where, std::move(why));
        }
        pause_.end();
        workers_.add(std::move(recruit));
        return {};
    }

    // The owner's side ----------------------------------------------------------------------------

    /// Waits until nothing is queued and nothing runs but the task this is called from.
    bool wait_quiet(std::unique_lock<std::mutex>& lock, steady_time deadline) {
        const std::size_t own = inside_a_task_of(&host_) ? 1 : 0;
        while (!queue_.empty() || running_ > own) {
            if (steady_clock::now() >= deadline) {
                return false;
            }
            if (workers_.alive() == 0 && !queue_.empty()) {
                lend_a_hand(lock);
            } else {
                wait_until(quiet_, lock, deadline);
            }
        }
        return true;
    }

    /// There is no worker: tries once more to start one, else runs a task here. Only for want of a
    /// thread, because a task that does not end would hold up the caller beyond its deadline.
    void lend_a_hand(std::unique_lock<std::mutex>& lock) {
        static_cast<void>(hire({}));
        if (workers_.alive() > 0) {
            return;
        }
        worker self;
        task_ptr task = start(self);
        lock.unlock();
        settle(self, run_task(std::move(task), host_));
        lock.lock();
    }

    /// Closes when all is quiet or the deadline has passed; true if nothing was left undone.
    bool close(steady_time deadline) {
        abandoned_tasks abandoned(host_);
        task_queue left;
        bool finished = false;
        {
            std::unique_lock lock(mutex_);
            finished = wait_quiet(lock, deadline);
            phase_ = phase::closed; // P3
            std::swap(left, queue_);
            counts_.dropped += left.size();
            if (!finished) {
                const std::size_t written_off = workers_.write_off_running(abandoned);
                running_ -= written_off;
                counts_.dropped += written_off;
            }
        }
        abandoned.add(std::move(left), later(deadline, std::chrono::milliseconds(500)));
        return finished;
    }

    void dismiss() {
        is_dismissed_ = true;
        epoch_.fetch_add(1, std::memory_order_relaxed); // P4
        epoch_.notify_all();
    }

    /// Ends and joins every worker but those in a task that was written off; these go when it ends.
    void dismiss_workers() {
        std::unique_lock lock(mutex_);
        dismiss();
        quiet_.wait(lock, [this] { return workers_.is_deserted(); });
        while (const std::unique_ptr<worker> gone = workers_.take_left()) {
            lock.unlock();
            gone->thread.join();
            lock.lock();
        }
    }

    pool_options options_;
    const unsigned size_;
    stop_source stop_;
    const host host_;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;
    std::atomic<std::int32_t> epoch_{0};
    phase phase_ = phase::open;
    bool is_dismissed_ = false;
    task_queue queue_;
    stats counts_;
    std::size_t running_ = 0;
    std::size_t idle_ = 0;
    worker_roster workers_;
    hiring_pause pause_;
};

} // namespace faf::detail
