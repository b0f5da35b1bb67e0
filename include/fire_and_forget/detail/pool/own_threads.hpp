// SPDX-License-Identifier: MIT
#pragma once

// The inside of own_thread: how tasks get their threads, and what these do. own_thread_roster.hpp
// counts them.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../../stats.hpp"
#include "../executor/executor_parts.hpp"
#include "../executor/keeper.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"
#include "../platform/time.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "own_thread_roster.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts the threads that run a task of their own, so that drain, shutdown and exit cover them.
///
/// A task that is fired gets its thread at once, or is refused. What has become due, and a
/// coroutine that goes on, has been accepted before: it waits until there is a thread.
///
/// Invariant  OWN-2  Whoever leaves too few threads for what waits sends them, or has the keeper
///                   come for that once the system may give one again.
class own_threads final : public shutdown_participant, public scheduler_with_books, public ward {
public:
    static constexpr std::size_t usual_limit = 1024;

    static own_threads& instance() noexcept;

    own_threads();

    static void set_limit(std::size_t most) noexcept {
        limit.store(most, std::memory_order_relaxed);
    }
    static void set_stack_size(std::size_t bytes) noexcept {
        stack_size.store(bytes, std::memory_order_relaxed);
    }

    /// Gives `task` a thread, now or when it is due, or says why not and leaves it.
    refusal accept(task_ptr& task);
    void note_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }

    /// In a forked child: what it has refused there, and nothing of what its parent does.
    stats snapshot() const;

    closing& end() noexcept { return parts_.end; }

    // What others ask is marked as the engine's here, too: GCC makes the virtual table, and with it
    // all of this class, in each file that defines a virtual function not declared inline.

    // closing asks
    FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds exit_timeout() const noexcept override;
    FIRE_AND_FORGET_ENGINE std::uint64_t admissions() const override;
    FIRE_AND_FORGET_ENGINE bool is_quiet(std::size_t own) const noexcept override;
    void note_closing() noexcept override {}
    void note_closed() noexcept override {}
    FIRE_AND_FORGET_ENGINE bool abandon_queued(abandoned_tasks& abandoned, before_end was) override;
    FIRE_AND_FORGET_ENGINE std::size_t
    write_off_running(abandoned_tasks& abandoned) noexcept override;
    void note_exit() override {}
    void call_again() noexcept override {}
    bool end_threads(steady_time) override { return true; } // they end by themselves

    // tasks and coroutines ask
    steady_time now() const noexcept override { return steady_clock::now(); }
    FIRE_AND_FORGET_ENGINE refusal start_coroutine(suspended& one) override;
    FIRE_AND_FORGET_ENGINE bool resume_soon(suspended& one) noexcept override;
    bool resume_at(suspended& one) noexcept override {
        parts_.end.begin_use(); // nothing else may have been fired here
        return parts_.delayed.resume_at(one);
    }
    void notice_stop() noexcept override { parts_.delayed.notice_stop(); }
    void notice_stop_of(watched& one) noexcept override { parts_.delayed.notice_stop_of(one); }
    bool is_stopping() const noexcept override { return parts_.lent.stop.stop_requested(); }
    void keep_scheduler() noexcept override { keep(); }
    void release_scheduler() noexcept override { release(); }
    FIRE_AND_FORGET_ENGINE void repeat_after(task_ptr task, repetition answer) noexcept override;
    void notice_end() noexcept override { parts_.quiet.tell(); }

    // the keeper asks
    FIRE_AND_FORGET_ENGINE visit look_after(steady_time now) override;
    bool has_news() const noexcept override { return parts_.delayed.has_news(); }
    bool try_hold() noexcept override { return try_keep(); }
    void let_go() noexcept override { release(); }

private:
    // Settings of the program: what becomes due is held to them as well.
    static inline constinit std::atomic<std::size_t> limit{usual_limit};
    static inline constinit std::atomic<std::size_t> stack_size{usual_stack};
    static std::size_t most() noexcept { return limit.load(std::memory_order_relaxed); }
    static one_per_process<own_threads> of_process;

    using record = own_thread_roster::record;

    // What is fired
    refusal try_accept(task_ptr& task);
    refusal take_back(record* fresh, task_ptr& task);

    // What was delayed, or has been suspended
    bool start_due(timer_node& item) noexcept;
    void send_threads();
    void note_no_thread(const call_site& where, std::exception_ptr why);

    // Threads
    bool try_start(record* first, std::exception_ptr& why);
    void live(record* first);
    fate run(record& self);
    void end_thread(record* last, fate result);

    stats count() const noexcept;

    executor_parts parts_;
    own_thread_roster roster_{parts_.quiet, parts_.end};
    std::atomic<std::uint64_t> refused_{0};
};
inline constinit one_per_process<own_threads> own_threads::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
