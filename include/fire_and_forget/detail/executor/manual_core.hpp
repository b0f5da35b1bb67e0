// SPDX-License-Identifier: MIT
#pragma once

// The inside of the manual_executor of ../../testing.hpp: what waits for a test to run it, and a
// clock that the test moves.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../../time_span.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../queue/timer_queue.hpp"
#include "../task/host.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "../task/timer_heap.hpp"
#include "abandoned_tasks.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Its first members do what is said there; the others are for the coroutines that run here.
class manual_core final : public scheduler {
public:
    manual_core() = default;
    ~manual_core() {
        abandon_waits();
        while (timed* const item = take_any()) {
            if (item->is_resumption) {
                abandon(static_cast<suspended&>(*item));
            } else {
                task_ptr task(static_cast<task_node*>(item));
                const bool repeats = task->repeats(); // then it ends with its executor
                drop_task(std::move(task), host_, repeats ? failure::cancelled : failure::abandoned,
                          "its executor was destroyed without running it");
            }
        }
    }
    manual_core(const manual_core&) = delete;
    manual_core& operator=(const manual_core&) = delete;

    /// What is refused stays the caller's.
    refusal accept(task_ptr& task) noexcept {
        task->begin_waiting(now());
        const std::lock_guard lock(mutex_);
        if (!task->is_delayed) {
            add_ready(*task.release());
            return refusal::none;
        }
        if (!timers_.try_push(*task)) {
            return refusal::out_of_memory;
        }
        static_cast<void>(task.release());
        return refusal::none;
    }

    bool run_one() {
        timed* const next = take();
        if (next == nullptr) {
            return false;
        }
        run(*next);
        return true;
    }

    std::size_t run_all() {
        std::size_t runs = 0;
        while (run_one()) {
            ++runs;
        }
        return runs;
    }

    std::size_t advance(time_span step) {
        const steady_time end = earlier_of(later(now(), step), never - std::chrono::nanoseconds(1));
        if (inside_a_task_of(&host_)) {
            move_to(end);
            return 0;
        }
        std::size_t runs = run_all();
        for (steady_time due = next_due(); due <= end; due = next_due()) {
            move_to(due);
            runs += run_all();
        }
        move_to(end);
        return runs;
    }

    steady_time now() const noexcept override { return now_.load(std::memory_order_relaxed); }

    std::size_t pending() const {
        const std::lock_guard lock(mutex_);
        return ready_count_ + timers_.size() + spilled_count_ + books.waiting();
    }

    refusal start_coroutine(suspended& one) override {
        resume_soon(one);
        return refusal::none;
    }
    bool resume_soon(suspended& one) noexcept override {
        const std::lock_guard lock(mutex_);
        add_ready(one);
        return true;
    }
    bool resume_at(suspended& one) noexcept override {
        const std::lock_guard lock(mutex_);
        return timers_.try_push(one);
    }
    void notice_stop() noexcept override {} // take() looks each time
    bool is_stopping() const noexcept override { return false; }
    void keep_scheduler() noexcept override {}
    void release_scheduler() noexcept override {}
    void notice_end() noexcept override {}
    void repeat_after(task_ptr task, repetition answer) noexcept override {
        static_cast<void>(task->advance(now()));
        if (answer == repetition::go_on) {
            const std::lock_guard lock(mutex_);
            add_waiting(*task.release());
        }
    }

private:
    void add_ready(timed& item) noexcept {
        item.next = nullptr;
        *end_ = &item;
        end_ = &item.next;
        ++ready_count_;
    }

    /// What finds no memory waits beside the others.
    void add_waiting(timed& item) noexcept {
        if (!timers_.try_push(item)) {
            item.next = std::exchange(spilled_, &item);
            ++spilled_count_;
        }
    }

    void look_at_spilled() noexcept {
        timed* item = std::exchange(spilled_, nullptr);
        spilled_count_ = 0;
        while (item != nullptr) {
            timed& one = *std::exchange(item, item->next);
            one.due <= now() ? add_ready(one) : add_waiting(one);
        }
    }

    timed* take_ready() noexcept {
        timed* const first = ready_;
        if (first != nullptr) {
            ready_ = first->next;
            end_ = ready_ != nullptr ? end_ : &ready_;
            --ready_count_;
        }
        return first;
    }

    /// What is due is ready, and what was asked to stop does not wait for its time.
    timed* take() {
        const std::lock_guard lock(mutex_);
        look_at_spilled();
        for (timed* asked = timers_.remove_if(is_asked_to_stop); asked != nullptr;) {
            add_ready(*std::exchange(asked, asked->next));
        }
        while (timed* const due = timers_.pop_due(now())) {
            add_ready(*due);
        }
        return take_ready();
    }

    timed* take_any() {
        const std::lock_guard lock(mutex_);
        if (spilled_ != nullptr) {
            --spilled_count_;
            return std::exchange(spilled_, spilled_->next);
        }
        timed* const first = take_ready();
        return first != nullptr ? first : timers_.pop_due(never);
    }

    steady_time next_due() const {
        const std::lock_guard lock(mutex_);
        steady_time next = timers_.next_due();
        for (const timed* one = spilled_; one != nullptr; one = one->next) {
            next = earlier_of(next, one->due);
        }
        return next;
    }

    void move_to(steady_time time) noexcept {
        if (now() < time) {
            now_.store(time, std::memory_order_relaxed);
        }
    }

    void run(timed& item) {
        if (item.is_resumption) {
            resumption coroutine{static_cast<suspended*>(&item)};
            const call_site where = coroutine.one->where;
            const char* const name = coroutine.one->name;
            run_task({resumption_type, &coroutine, where, name}, host_);
        } else {
            run_task(task_ptr(static_cast<task_node*>(&item)), host_,
                     [this](task_ptr again, std::uint64_t) {
                         const std::lock_guard lock(mutex_);
                         add_waiting(*again.release());
                     });
        }
    }

    void abandon(suspended& one) const {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(host_, for_sinks);
        abandoned.add_queued(one);
    }

    void abandon_waits() {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(host_, for_sinks);
        detail::abandon_waits(*this, abandoned);
    }

    mutable std::mutex mutex_;
    std::atomic<steady_time> now_{steady_clock::now()};
    timed* ready_ = nullptr;
    timed** end_ = &ready_;
    std::size_t ready_count_ = 0;
    timer_heap timers_;
    timed* spilled_ = nullptr;
    std::size_t spilled_count_ = 0;
    const host host_{nullptr, {}, this};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
