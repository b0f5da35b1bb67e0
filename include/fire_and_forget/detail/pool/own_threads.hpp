// SPDX-License-Identifier: MIT
#pragma once

// The inside of own_thread: how tasks get their threads, and how they are counted.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../../thread_pool.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../executor/errands.hpp"
#include "../executor/executor_core.hpp"
#include "../executor/running_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/time.hpp"
#include "../task/run_task.hpp"
#include "../task/task.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts the threads that run a task of their own, so that drain, shutdown and exit cover them.
///
/// A task that is fired gets its thread at once, or is refused. What has become due, and a coroutine
/// that goes on, has been accepted before: it waits until there is a thread.
///
/// Invariants  E1 of executor_core: all is counted under the mutex; and
///             T1  A record is in the list from before its thread starts, or a thread takes it from
///                 the queue, until after its task is settled.
///             T2  While any wait in the queue, threads are on their way to all of them, or there are
///                 as many as may be, or the system has refused one a moment ago and the keeper
///                 comes again.
class own_threads final : public executor_core {
public:
    static constexpr std::size_t usual_limit = 1024;

    static own_threads& instance() noexcept {
        static constinit one_per_process<own_threads> threads;
        return threads.get();
    }

    own_threads() { begin_service(); }

    std::chrono::nanoseconds exit_timeout() const noexcept override {
        return default_core().exit_timeout();
    }

    static void set_limit(std::size_t most) noexcept {
        limit.store(most, std::memory_order_relaxed);
    }

    /// Gives `task` a thread, now or when it is due, or says why not and leaves it.
    refusal accept(task_ptr& task) {
        task->begin_waiting(now());
        const refusal why = try_accept(task);
        if (why != refusal::none) {
            note_refused();
        }
        return why;
    }

    refusal start_coroutine(suspended& one) override { return start_as_task(*this, one); }

    bool resume_soon(suspended& one) noexcept override {
        begin_use();
        one.due = steady_time();
        return resume_at(one);
    }

    std::uint64_t admissions() const override {
        const library_lock lock(mutex_);
        return admissions_ + count_timers().accepted + books.accepted();
    }

    void end_threads(steady_time deadline) override { end_use(deadline); }

    bool shutdown_until(steady_time deadline) {
        if (!is_in_its_process()) {
            return false;
        }
        begin_closing();
        if (runs_this_thread()) {
            return false;
        }
        sink_time for_sinks(deadline);
        const bool all_done = close(deadline, for_sinks);
        end_use(later(deadline, exit_patience));
        return all_done;
    }

private:
    /// A setting of the program: what becomes due is held to it as well.
    static inline constinit std::atomic<std::size_t> limit{usual_limit};

    struct record final : running_tasks::entry {
        task_ptr task;
        suspended* coroutine = nullptr; ///< instead of a task
        record* next_due = nullptr;
    };

    static record* make_record(const call_site& where, const char* name) noexcept {
        const inside_library allocating;
        auto* const fresh = new (std::nothrow) record;
        if (fresh != nullptr) {
            fresh->where = where;
            fresh->name = name;
        }
        return fresh;
    }

    refusal try_accept(task_ptr& task) {
        if (!is_open_here()) {
            return refusal::shutting_down;
        }
        begin_use();
        if (task->is_delayed || task->repeats()) {
            return delay(task);
        }
        record* const fresh = make_record(task->where, task->name);
        if (fresh == nullptr) {
            return refusal::out_of_memory;
        }
        const refusal why = enter(*fresh);
        if (why != refusal::none) {
            delete fresh;
            return why;
        }
        fresh->task = std::move(task);
        std::exception_ptr not_told;
        return try_start(fresh, not_told) ? refusal::none : take_back(fresh, task);
    }

    refusal enter(record& fresh) noexcept {
        const library_lock lock(mutex_);
        if (!is_open_here()) {
            return refusal::shutting_down;
        }
        if (threads_ >= limit.load(std::memory_order_relaxed)) {
            return refusal::no_thread;
        }
        ++accepted_;
        ++admissions_;
        ++threads_;
        running_.link(fresh);
        return refusal::none;
    }

    /// For a record whose thread could not be started.
    refusal take_back(record* fresh, task_ptr& task) {
        const std::unique_ptr<record> gone(fresh);
        bool is_ours = false;
        {
            const library_lock lock(mutex_);
            --threads_;
            is_ours = unlink(*fresh);
            accepted_ -= is_ours ? 1 : 0;
        }
        if (is_ours) { // else closing has reported it as abandoned meanwhile
            task = std::move(fresh->task);
        }
        return is_ours ? refusal::no_thread : refusal::none;
    }

    /// False if it has been written off. Under the mutex.
    bool unlink(record& gone) noexcept {
        const bool is_ours = running_.unlink(gone);
        if (!is_ours) {
            note_written_off_end();
        }
        quiet_.notify_all();
        return is_ours;
    }

    /// Tries three times: the system may refuse a thread for a moment only. The thread begins with
    /// `first`, if there is one.
    bool try_start(record* first, std::exception_ptr& why) {
        constexpr thread_body body = [](void* threads, void* record_of_it) {
            static_cast<own_threads*>(threads)->live(static_cast<record*>(record_of_it));
        };
        bool is_started = start_thread(body, this, first, why);
        for (int tries = 1; tries < 3 && !is_started; ++tries) {
            std::this_thread::yield();
            is_started = start_thread(body, this, first, why);
        }
        if (is_started) {
            pause_.end();
        }
        return is_started;
    }

    // What was delayed, or has been suspended ------------------------------------------------------

    bool start_due(timed& item) noexcept override {
        auto* const coroutine = item.is_resumption ? static_cast<suspended*>(&item) : nullptr;
        auto* const task = item.is_resumption ? nullptr : static_cast<task_node*>(&item);
        record* const fresh = coroutine != nullptr ? make_record(coroutine->where, coroutine->name)
                                                   : make_record(task->where, task->name);
        if (fresh == nullptr) {
            return false;
        }
        fresh->coroutine = coroutine;
        if (task != nullptr) {
            task->is_delayed = false;
            fresh->task.reset(task);
        } else {
            fresh->is_passing = coroutine->is_guest;
        }
        const library_lock lock(mutex_);
        *queue_end_ = fresh;
        queue_end_ = &fresh->next_due;
        ++queued_;
        return true;
    }

    /// What waits has nowhere else to go.
    static std::size_t most_for_queued() noexcept {
        const std::size_t allowed = limit.load(std::memory_order_relaxed);
        return allowed > 0 ? allowed : 1;
    }

    /// Whether something waits that a thread may be started for. Under the mutex.
    bool needs_thread() const noexcept {
        return queued_ > coming_ && threads_ < most_for_queued() && pause_.is_over();
    }

    void after_starting() override { start_queued(); }

    visit look_after(steady_time now) override {
        visit result = executor_core::look_after(now);
        start_queued();
        const library_lock lock(mutex_);
        if (queued_ > coming_ && threads_ < most_for_queued()) { // T2
            result.next = earlier_of(result.next, pause_.end_time());
        }
        return result;
    }

    /// Starts threads for what waits.
    void start_queued() {
        for (call_site where; prepare_thread(where);) {
            std::exception_ptr why;
            if (!try_start(nullptr, why)) {
                note_no_thread(where, std::move(why));
            }
        }
    }

    /// Counts a thread that is about to be started; false if there is nothing to start one for.
    bool prepare_thread(call_site& where) noexcept {
        const library_lock lock(mutex_);
        const bool is_needed = needs_thread();
        if (is_needed) {
            where = queue_->where;
            ++threads_;
            ++coming_;
        }
        return is_needed;
    }

    /// What waits goes on waiting.
    void note_no_thread(const call_site& where, std::exception_ptr why) {
        thread_trouble trouble;
        {
            const library_lock lock(mutex_);
            --threads_;
            --coming_;
            quiet_.notify_all();
            trouble = pause_.begin(where, std::move(why));
        }
        if (!this_thread.is_keeper) { // else it knows
            request_visit();
        }
        if (trouble) {
            tell_off_the_keeper([trouble] { trouble.report("it waits for one", nullptr); });
        }
    }

    /// The record that waits longest. Under the mutex.
    record& unqueue() noexcept {
        record& first = *queue_;
        queue_ = std::exchange(first.next_due, nullptr);
        queue_end_ = queue_ != nullptr ? queue_end_ : &queue_;
        --queued_;
        return first;
    }

    /// Settles a record; what runs next on its thread, if anything. Under the mutex.
    void settle(record& self, fate result) noexcept {
        if (unlink(self)) {
            ended_.add(result);
        }
    }

    /// Goes on with what waits for a thread, if there is any: settles what has run, if any has.
    record* next_of(record* done, fate result) noexcept {
        const library_lock lock(mutex_);
        if (queue_ == nullptr || threads_ > most_for_queued()) {
            return nullptr;
        }
        if (done != nullptr) {
            settle(*done, result);
        } else {
            --coming_;
        }
        record& next = unqueue();
        resumptions_ += next.coroutine != nullptr ? 1 : 0;
        next.thread = std::this_thread::get_id();
        running_.link(next); // T1
        return &next;
    }

    /// The end of a thread. What has come to wait for one meanwhile gets another.
    void end_thread(record* last, fate result) {
        bool has_more = false;
        {
            const library_lock lock(mutex_);
            if (last != nullptr) {
                settle(*last, result);
            } else {
                --coming_;
                quiet_.notify_all();
            }
            --threads_;
            has_more = needs_thread(); // T2
        }
        if (has_more) {
            start_queued();
        }
    }

    /// Settles the record even where the task ends the thread by force: then it has failed.
    void live(record* first) {
        std::unique_ptr<record> self;
        fate result = fate::failed;
        const scope_guard at_the_end([&] {
            end_if_forked();
            library_threads::instance().leave(); // J1
            end_thread(self.get(), result);
        });
        name_this_thread("faf/own");
        for (record* next = begin(first); next != nullptr; next = next_of(self.get(), result)) {
            self.reset(next);
            result = fate::failed;
            result = run(*self);
        }
    }

    /// What a thread begins with: what it was started for, or what waits longest.
    record* begin(record* first) noexcept {
        if (first == nullptr) {
            return next_of(nullptr, fate::failed);
        }
        const library_lock lock(mutex_);
        first->thread = std::this_thread::get_id();
        return first;
    }

    fate run(record& self) {
        const running_entry_item item(mutex_, self, &lent());
        if (self.coroutine != nullptr) {
            resumption coroutine{self.coroutine};
            return run_task({resumption_type, &coroutine, self.where, self.name}, lent());
        }
        return run_task(
            std::move(self.task), lent(),
            [this](task_ptr again, std::uint64_t skipped) { repeat(std::move(again), skipped); });
    }

    stats count() const noexcept override {
        stats all = books.ends();
        all += count_timers();
        ended_.add_to(all);
        all.accepted += accepted_ + books.accepted();
        all.threads = threads_;
        all.resumptions = resumptions_;
        const std::uint64_t over = all.succeeded + all.failed + all.dropped;
        // Of those that run some may be coroutines that were fired elsewhere.
        const std::uint64_t open = all.accepted - over;
        all.running = running_.count() < open ? running_.count() : as_size(open);
        all.pending = as_size(all.accepted - over - all.running);
        return all;
    }

    bool is_quiet(std::size_t own) const noexcept override {
        return !has_awaited_timers() && queue_ == nullptr && coming_ == 0 &&
               running_.count() <= own;
    }

    void note_closed() noexcept override {}
    bool abandon_queued(abandoned_tasks& abandoned, bool) override {
        record* left = nullptr;
        {
            const library_lock lock(mutex_);
            left = std::exchange(queue_, nullptr);
            queue_end_ = &queue_;
            queued_ = 0;
            for (const record* one = left; one != nullptr; one = one->next_due) {
                ended_.abandoned += one->coroutine == nullptr ? 1 : 0;
            }
        }
        const bool is_any = left != nullptr;
        while (left != nullptr) {
            const std::unique_ptr<record> one(std::exchange(left, left->next_due));
            if (one->coroutine != nullptr) {
                abandoned.add_queued(*one->coroutine);
            } else {
                abandoned.add_queued(std::move(one->task));
            }
        }
        return is_any;
    }
    void note_exit(std::unique_lock<std::mutex>&) override {}
    void call_again() noexcept override {}
    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        const std::size_t uncounted = running_.passing_written_off();
        const std::size_t given_up = running_.write_off(abandoned);
        ended_.abandoned += given_up - (running_.passing_written_off() - uncounted);
        return given_up;
    }

    // All under the mutex.
    running_tasks running_;
    task_counts ended_;
    std::uint64_t accepted_ = 0; ///< but for those that had to wait for their time
    std::uint64_t admissions_ = 0;
    std::size_t threads_ = 0;
    std::size_t coming_ = 0;  ///< of these, to take from the queue; they may find it empty
    std::size_t queued_ = 0;  ///< records in the queue
    record* queue_ = nullptr; ///< of what waits for a thread, oldest first
    record** queue_end_ = &queue_;
    std::uint64_t resumptions_ = 0;
    hiring_pause pause_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
