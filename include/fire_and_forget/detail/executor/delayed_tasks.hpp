// SPDX-License-Identifier: MIT
#pragma once

// What waits for its time in an executor: how it gets there, how it is started, and what becomes of
// it when the executor closes. The clock that watches it is that of keeper.hpp.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "../queue/timer_queue.hpp"
#include "../task/host.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "quiescence.hpp"
#include "shutdown_participant.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class abandoned_tasks;

/// Where an executor takes what has become due.
struct due_outlet {
    void* executor = nullptr;

    /// Stores it where a thread will find it; false if that needs memory that is not there. Under
    /// the timers' lock, so nothing may be reported.
    bool (*start)(void* executor, timer_node& item) noexcept = nullptr;

    /// Sees to it that threads come for what was stored.
    void (*call_threads)(void* executor) = nullptr;

    /// A task ends that has not been started, or not again: it had a place where
    /// places are limited.
    void (*note_end)(void* executor) noexcept = nullptr;
};

/// Has the keeper come by when something is due. That hands it to the executor's outlet; until then
/// it costs no thread.
///
/// Order  Those with one deadline in the order in which they came, as far as the outlet keeps it.
/// Orderings  DELAY-1  Who asks all to stop fences and then looks whether anything waits; who
///                     stores a task or lets a coroutine sleep fences and then looks whether all
///                     were asked. One sees the other.
/// Cost   A task that waits is one allocation and one lock-free push; a system call only if it is
///        due before the keeper gets up.
class delayed_tasks {
public:
    delayed_tasks(shutdown_participant& owner, quiescence& quiet, const host& lent,
                  const due_outlet& outlet) noexcept
        : owner_(owner), quiet_(quiet), lent_(lent), outlet_(outlet) {}
    delayed_tasks(const delayed_tasks&) = delete;
    delayed_tasks& operator=(const delayed_tasks&) = delete;

    /// Takes `task` to be started when it is due, or says why not and leaves it.
    refusal delay(task_ptr& task);

    /// The same for a coroutine that sleeps, to be resumed; false if it can't be.
    bool resume_at(suspended& one) noexcept;

    /// Someone who waits here may have been asked to stop; in the second case it is known who.
    void notice_stop() noexcept;
    void notice_stop_of(watched& one) noexcept;

    /// What run_task does with a task that is to be run again. False if that is not to be: then it
    /// is the caller's.
    bool repeat(task_ptr& task, std::uint64_t skipped);

    /// The same for one whose coroutine has ended; null: it has been destroyed.
    void repeat_after(task_ptr task, repetition answer) noexcept;

    /// Has the keeper come by at once.
    void request_visit();

    /// Starts what is due; returns when to come again.
    steady_time serve(steady_time now);

    /// Whether something has come that may be due before the next visit.
    bool has_news() const noexcept { return timers_.has_news(); }

    /// Whether anything waits that a drain waits for.
    bool has_awaited() const noexcept { return timers_.has_awaited(); }

    /// Those that wait for their time or have been given up while they did.
    stats count() const noexcept;

    /// Has the task of `level` displaced whose time comes last: it would have its place the
    /// longest. Not one that repeats, nor a coroutine. False if there is none.
    bool displace_latest(priority level);

    // The end -------------------------------------------------------------------------------------

    /// All have been asked to stop: what repeats ends.
    void end_repeating();

    /// Nothing more is to wait for its time, and what can't be started before `deadline` is given
    /// up: what repeats is cancelled, the rest is abandoned. What is due never comes even before a
    /// deadline that is never.
    void close(steady_time deadline, abandoned_tasks& abandoned);

    /// The same for all that still waits.
    void end(abandoned_tasks& abandoned);

    bool has_abandoned() const noexcept { return abandoned_.load(std::memory_order_relaxed) > 0; }

private:
    static constexpr unsigned most_at_once = 256;

    bool store_watched(task_ptr& task);
    bool try_watch(task_node& task);
    steady_time when_to_call(steady_time due) const noexcept;
    static void call_keeper(steady_time when, const call_site& where);
    void cancel_repeating();
    void give_up(abandoned_tasks& abandoned, function_ref<bool(const timer_node&)> is_it);
    void note_end() noexcept;

    shutdown_participant& owner_;
    quiescence& quiet_;
    const host& lent_;
    const due_outlet outlet_;
    timer_queue timers_;
    std::atomic<std::uint64_t> cancelled_{0}; ///< before their time had come
    std::atomic<std::uint64_t> abandoned_{0};
    std::atomic<std::uint64_t> displaced_{0};
    std::atomic<std::uint64_t> skipped_{0};
    std::atomic<bool> ends_repeating_{false};
    std::atomic<bool> has_ended_{false};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
