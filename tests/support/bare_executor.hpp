// SPDX-License-Identifier: MIT
#pragma once

// An executor that is nothing but the parts that all executors have: no threads and no queue of its
// own. A test says when it is quiet, and runs what has become due.

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/abandoned_tasks.hpp>
#include <fire_and_forget/detail/executor/executor_parts.hpp>
#include <fire_and_forget/detail/executor/exit_registry.hpp>
#include <fire_and_forget/detail/task/run_task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace faf_test {

/// What the keeper has of an executor whose timers the test itself serves: it never comes by.
class unvisited_ward final : public faf::detail::ward {
public:
    ~unvisited_ward() override { faf::detail::keeper::instance().dismiss(*this); }

private:
    visit look_after(faf::detail::steady_time) override { return {}; }
    bool has_news() const noexcept override { return false; }
    bool try_hold() noexcept override { return false; }
    void let_go() noexcept override {}
};

class bare_executor : public faf::detail::shutdown_participant,
                      public faf::detail::scheduler_with_books {
public:
    bare_executor()
        : shutdown_participant(parts.end),
          parts(*this, *this, watched,
                {this, &bare_executor::store, [](void*) {},
                 [](void* self) noexcept { ++static_cast<bare_executor*>(self)->ended_early; }}) {}
    faf::detail::closing& end() noexcept { return parts.end; }

    /// Runs what has become due by `now`.
    void run_due(faf::detail::steady_time now) {
        static_cast<void>(parts.delayed.serve(now));
        for (faf::detail::timer_node* one : std::exchange(due, {})) {
            faf::detail::task_ptr task(static_cast<faf::detail::task_node*>(one));
            static_cast<void>(
                faf::detail::run_task(std::move(task), parts.lent,
                                      [this](faf::detail::task_ptr& again, std::uint64_t skipped) {
                                          static_cast<void>(parts.delayed.repeat(again, skipped));
                                      }));
        }
    }

    // What a test sets or reads.
    std::size_t running = 0; ///< is not quiet while there are more than the asker's own
    std::size_t passing = 0; ///< between two things that run: nobody hears when it is given up
    bool has_queued = false; ///< when it is closed
    std::chrono::nanoseconds timeout{0};
    std::uint64_t taken = 0;
    std::vector<faf::detail::timer_node*> due;
    int ended_early = 0; ///< tasks that were not started, or not again
    int closings = 0;
    int ends = 0; ///< of its threads
    std::function<void()> on_wait = [] {};

    unvisited_ward watched;
    faf::detail::executor_parts parts;

private:
    static bool store(void* self, faf::detail::timer_node& item) noexcept {
        static_cast<bare_executor*>(self)->due.push_back(&item);
        return true;
    }

    std::chrono::nanoseconds exit_timeout() const noexcept override { return timeout; }
    std::uint64_t admissions() const override { return taken; }
    bool is_quiet(std::size_t own) const noexcept override {
        return !parts.delayed.has_awaited() && running + passing <= own;
    }
    void note_closing() noexcept override { ++closings; }
    void note_closed() noexcept override {}
    bool abandon_queued(faf::detail::abandoned_tasks&, before_end) override { return has_queued; }
    std::size_t write_off_running(faf::detail::abandoned_tasks& abandoned) noexcept override {
        for (std::size_t i = 0; i < running; ++i) {
            abandoned.add_running({}, nullptr);
        }
        return std::exchange(running, 0) + std::exchange(passing, 0);
    }
    void note_exit() override {}
    void call_again() noexcept override { on_wait(); }
    bool end_threads(faf::detail::steady_time) override {
        ++ends;
        return true;
    }

    faf::detail::steady_time now() const noexcept override {
        return faf::detail::steady_clock::now();
    }
    faf::refusal start_coroutine(faf::detail::suspended&) override {
        return faf::refusal::shutting_down;
    }
    bool resume_soon(faf::detail::suspended&) noexcept override { return false; }
    bool resume_at(faf::detail::suspended&) noexcept override { return false; }
    void notice_stop() noexcept override { parts.delayed.notice_stop(); }
    void notice_stop_of(faf::detail::watched& one) noexcept override {
        parts.delayed.notice_stop_of(one);
    }
    bool is_stopping() const noexcept override { return parts.lent.stop.stop_requested(); }
    void keep_scheduler() noexcept override { keep(); }
    void release_scheduler() noexcept override { release(); }
    void repeat_after(faf::detail::task_ptr task, faf::repetition answer) noexcept override {
        parts.delayed.repeat_after(std::move(task), answer);
    }
    void notice_end() noexcept override { parts.quiet.tell(); }
};

} // namespace faf_test
