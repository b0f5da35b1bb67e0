// SPDX-License-Identifier: MIT
#pragma once

// For the tests of programs that fire tasks: an executor that runs them when told, and a sink that
// remembers. No threads, no sleeps.

#include "detail/executor/abandoned_tasks.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/attempt.hpp"
#include "detail/platform/time.hpp"
#include "detail/queue/timer_queue.hpp"
#include "detail/task/run_task.hpp"
#include "detail/task/scheduler.hpp"
#include "detail/task/task.hpp"
#include "detail/task/timer_heap.hpp"
#include "error_sink.hpp"
#include "executor.hpp"
#include "time_span.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI::testing {

/// Keeps the tasks fired at it until the test runs them, on the test's own thread. Time stands still
/// until the test moves it on.
///
///     faf::testing::manual_executor ex;
///     fire_and_forget(ex, greet, "Ada");
///     CHECK(ex.run_one());
///     fire_and_forget(ex, {.after = 5s}, greet, "Bob");
///     ex.advance(5s);                                    // greets Bob
///
/// Order: first in, first out; those that wait for their time in the order of their times.
/// Errors: go to the task's sink or the global one, as everywhere. Reports of tasks fired with
/// options carry times of this clock.
/// Thread safety: all members may be called by any thread.
/// Lifetime: tasks that are never run are reported as abandoned while it is destroyed, and those that
/// repeat as cancelled; a sink that hears of it must not call it. So are coroutines that wait for a
/// callback (faf::completion) which has not come: when it comes later, nobody waits for it.
class manual_executor : public detail::scheduler {
public:
    manual_executor() = default;
    virtual ~manual_executor() {
        abandon_waits();
        while (detail::timed* const item = take_any()) {
            if (item->is_resumption) {
                abandon(static_cast<detail::suspended&>(*item));
            } else {
                detail::task_ptr task(static_cast<detail::task_node*>(item));
                const bool repeats = task->repeats(); // then it ends with its executor
                detail::drop_task(std::move(task), host_,
                                  repeats ? failure::cancelled : failure::abandoned,
                                  "its executor was destroyed without running it");
            }
        }
    }
    manual_executor(const manual_executor&) = delete;
    manual_executor& operator=(const manual_executor&) = delete;

    submission execute(job work) {
        detail::task_ptr task = detail::job_access::take(work);
        if (!task) {
            return submission(refusal::empty_callable);
        }
        const std::lock_guard lock(mutex_);
        if (!task->is_delayed) {
            add_ready(*task.release());
        } else if (timers_.try_push(*task)) {
            static_cast<void>(task.release());
        } else {
            work = detail::job_access::make(std::move(task)); // is dropped, which tells the call
            return submission(refusal::out_of_memory);
        }
        return {};
    }

    /// Runs the task that waits longest, of those whose time has come; false if there is none.
    bool run_one() {
        detail::timed* const next = take();
        if (next == nullptr) {
            return false;
        }
        run(*next);
        return true;
    }

    /// Runs tasks until none is left whose time has come, those that they fire included; returns how
    /// many. A task that always fires another keeps it from returning.
    std::size_t run_all() {
        std::size_t runs = 0;
        while (run_one()) {
            ++runs;
        }
        return runs;
    }

    /// Moves the time on by `step` and runs what is due by then, each task at its own time; returns
    /// how many ran. From inside one of its tasks only the time moves: the task takes so long, and
    /// the others wait for its end.
    std::size_t advance(time_span step) {
        const detail::steady_time end = detail::earlier_of(
            detail::later(now(), step), detail::never - std::chrono::nanoseconds(1));
        if (detail::inside_a_task_of(&host_)) {
            move_to(end);
            return 0;
        }
        std::size_t runs = run_all();
        for (detail::steady_time due = next_due(); due <= end; due = next_due()) {
            move_to(due);
            runs += run_all();
        }
        move_to(end);
        return runs;
    }

    /// The time. It begins at some point and moves by advance() only.
    std::chrono::steady_clock::time_point now() const noexcept override {
        return now_.load(std::memory_order_relaxed);
    }

    /// How many tasks wait, those included whose time has not come, and coroutines that wait for a
    /// callback.
    std::size_t pending() const {
        const std::lock_guard lock(mutex_);
        return ready_count_ + timers_.size() + spilled_count_ + books.waiting();
    }

    // For the coroutines that run here.

    refusal start_coroutine(detail::suspended& one) override {
        resume_soon(one);
        return refusal::none;
    }
    bool resume_soon(detail::suspended& one) noexcept override {
        const std::lock_guard lock(mutex_);
        add_ready(one);
        return true;
    }
    bool resume_at(detail::suspended& one) noexcept override {
        const std::lock_guard lock(mutex_);
        return timers_.try_push(one);
    }
    void notice_stop() noexcept override {} // take() looks each time
    bool is_stopping() const noexcept override { return false; }
    void keep_scheduler() noexcept override {}
    void release_scheduler() noexcept override {}
    void notice_end() noexcept override {}
    void repeat_after(detail::task_ptr task, repetition answer) noexcept override {
        static_cast<void>(task->advance(now()));
        if (answer == repetition::go_on) {
            const std::lock_guard lock(mutex_);
            add_waiting(*task.release());
        }
    }

private:
    void add_ready(detail::timed& item) noexcept {
        item.next = nullptr;
        *end_ = &item;
        end_ = &item.next;
        ++ready_count_;
    }

    /// What finds no memory waits beside the others.
    void add_waiting(detail::timed& item) noexcept {
        if (!timers_.try_push(item)) {
            item.next = std::exchange(spilled_, &item);
            ++spilled_count_;
        }
    }

    void look_at_spilled() noexcept {
        detail::timed* item = std::exchange(spilled_, nullptr);
        spilled_count_ = 0;
        while (item != nullptr) {
            detail::timed& one = *std::exchange(item, item->next);
            one.due <= now() ? add_ready(one) : add_waiting(one);
        }
    }

    detail::timed* take_ready() noexcept {
        detail::timed* const first = ready_;
        if (first != nullptr) {
            ready_ = first->next;
            end_ = ready_ != nullptr ? end_ : &ready_;
            --ready_count_;
        }
        return first;
    }

    /// What is due is ready, and what was asked to stop does not wait for its time.
    detail::timed* take() {
        const std::lock_guard lock(mutex_);
        look_at_spilled();
        for (detail::timed* asked = timers_.remove_if(detail::is_asked_to_stop);
             asked != nullptr;) {
            add_ready(*std::exchange(asked, asked->next));
        }
        while (detail::timed* const due = timers_.pop_due(now())) {
            add_ready(*due);
        }
        return take_ready();
    }

    detail::timed* take_any() {
        const std::lock_guard lock(mutex_);
        if (spilled_ != nullptr) {
            --spilled_count_;
            return std::exchange(spilled_, spilled_->next);
        }
        detail::timed* const first = take_ready();
        return first != nullptr ? first : timers_.pop_due(detail::never);
    }

    detail::steady_time next_due() const {
        const std::lock_guard lock(mutex_);
        detail::steady_time next = timers_.next_due();
        for (const detail::timed* one = spilled_; one != nullptr; one = one->next) {
            next = detail::earlier_of(next, one->due);
        }
        return next;
    }

    void move_to(detail::steady_time time) noexcept {
        if (now() < time) {
            now_.store(time, std::memory_order_relaxed);
        }
    }

    void run(detail::timed& item) {
        if (item.is_resumption) {
            detail::resumption coroutine{static_cast<detail::suspended*>(&item)};
            const call_site where = coroutine.one->where;
            const char* const name = coroutine.one->name;
            detail::run_task({detail::resumption_type, &coroutine, where, name}, host_);
        } else {
            detail::run_task(detail::task_ptr(static_cast<detail::task_node*>(&item)), host_,
                             [this](detail::task_ptr again, std::uint64_t) {
                                 const std::lock_guard lock(mutex_);
                                 add_waiting(*again.release());
                             });
        }
    }

    void abandon(detail::suspended& one) const {
        detail::sink_time for_sinks(detail::never);
        detail::abandoned_tasks abandoned(host_, for_sinks);
        abandoned.add_queued(one);
    }

    void abandon_waits() {
        detail::sink_time for_sinks(detail::never);
        detail::abandoned_tasks abandoned(host_, for_sinks);
        detail::abandon_waits(*this, abandoned);
    }

    mutable std::mutex mutex_;
    std::atomic<detail::steady_time> now_{detail::steady_clock::now()};
    detail::timed* ready_ = nullptr;
    detail::timed** end_ = &ready_;
    std::size_t ready_count_ = 0;
    detail::timer_heap timers_;
    detail::timed* spilled_ = nullptr;
    std::size_t spilled_count_ = 0;
    const detail::host host_{nullptr, {}, this};
};

/// A report as an error_recorder keeps it, with texts of its own.
struct recorded_error {
    failure kind{};
    std::exception_ptr exception;
    std::string type;
    std::string what;
    std::string task;
    call_site where;
    std::chrono::nanoseconds waited{};
    std::chrono::nanoseconds ran{};
    std::uint64_t suppressed = 0;
};

/// While it lives it is the global error sink and remembers every report, so that a test can fail
/// for what went wrong in the background.
///
///     faf::testing::error_recorder errors;
///     run_the_code_under_test();
///     CHECK(errors.empty());
///
/// Thread safety: all members may be called by any thread; but as there is one global sink,
/// recorders must end in the reverse order of their making.
class error_recorder {
public:
    error_recorder() : log_(std::make_shared<log>()), previous_(set_error_sink(sink())) {}
    ~error_recorder() {
        detail::attempt([&] { set_error_sink(std::move(previous_)); },
                        [] {}); // without memory it stays
    }
    error_recorder(const error_recorder&) = delete;
    error_recorder& operator=(const error_recorder&) = delete;

    /// A sink that writes to this recorder, for a task or a pool. It may outlive the recorder.
    error_sink sink() const {
        return [log = log_](const error_report& report) {
            const std::lock_guard lock(log->mutex);
            log->errors.push_back({report.kind, report.exception, std::string(report.type),
                                   std::string(report.what), std::string(report.task), report.where,
                                   report.waited, report.ran, report.suppressed});
        };
    }

    bool empty() const { return count() == 0; }

    /// How many reports there were.
    std::size_t count() const {
        const std::lock_guard lock(log_->mutex);
        return log_->errors.size();
    }

    /// All of them, in the order in which they came.
    std::vector<recorded_error> errors() const {
        const std::lock_guard lock(log_->mutex);
        return log_->errors;
    }

private:
    struct log {
        std::mutex mutex;
        std::vector<recorded_error> errors;
    };

    std::shared_ptr<log> log_;
    error_sink previous_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::testing
