// SPDX-License-Identifier: MIT
#pragma once

// What a thread_pool consists of, how its tasks are counted, and what closing asks of it. It may
// outlive its owner, for a worker whose task does not come to an end. pool_door.hpp is how tasks
// come in.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../executor/executor_parts.hpp"
#include "../executor/keeper.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../platform/abi.hpp"
#include "../platform/durations.hpp"
#include "../platform/library_memory.hpp"
#include "../queue/lanes.hpp"
#include "../queue/pending_limit.hpp"
#include "../task/scheduler.hpp"
#include "admission.hpp"
#include "caller_runs.hpp"
#include "growth.hpp"
#include "intake.hpp"
#include "pool_door.hpp"
#include "task_counts.hpp"
#include "thread_hooks.hpp"
#include "worker_loop.hpp"
#include "workforce.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  COUNT-1  ended <= taken <= stored, for counts read in that order: so they add up at
///                      every moment, and nobody who counts needs a lock.
class pool final : public shutdown_participant,
                   public scheduler_with_books,
                   public ward,
                   public library_memory {
public:
    /// Whose sink it calls: its own, or for the default pool one that is a setting of the program.
    enum class kind : std::uint8_t { of_user, default_one };

    /// What of its options is called, if it is not its own.
    struct callbacks {
        const error_sink* on_error = nullptr;
        const thread_hook* on_thread_start = nullptr;
        const thread_hook* on_thread_stop = nullptr;
        const pool_extras* extras = nullptr; ///< null: its options ask for none
    };

    /// Shares `lanes` with the threads that will submit.
    pool(pool_options settings, lane_set& lanes, kind what, const callbacks& lent);
    explicit pool(pool_options settings);
    ~pool() override;
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    pool_door& door() noexcept { return door_; }
    bool is_default() const noexcept { return kind_ == kind::default_one; }

    /// Where workers wake each other, one must be awake before the first submit.
    void begin_napping();

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task);
    void note_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }

    /// In a forked child: what it has refused there, and nothing of what its parent does.
    stats snapshot() const;

    /// From here on no worker begins a task, until resume(), or until the pool begins to close.
    void pause();
    void resume();

    /// The end of the pool's owner, who must not use it any more.
    void retire();

    // closing asks
    std::chrono::nanoseconds exit_timeout() const noexcept override;
    std::uint64_t admissions() const override;
    bool is_quiet(std::size_t own) const noexcept override;
    void note_closing() noexcept override;
    void note_closed() noexcept override;
    bool abandon_queued(abandoned_tasks& abandoned, before_end was) override;
    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override;
    void note_exit() override { workers_.note_exit(); }
    void call_again() noexcept override;
    bool end_threads(steady_time deadline) override;

    // tasks and coroutines ask
    steady_time now() const noexcept override { return steady_clock::now(); }
    task_observer* observer() const noexcept override { return options_.observer; }
    refusal start_coroutine(suspended& one) override;
    bool resume_soon(suspended& one) noexcept override { return intake_.resume(one); }
    bool resume_at(suspended& one) noexcept override {
        parts_.end.begin_use(); // nothing else may have been fired here
        return parts_.delayed.resume_at(one);
    }
    void notice_stop() noexcept override { parts_.delayed.notice_stop(); }
    void notice_stop_of(watched& one) noexcept override { parts_.delayed.notice_stop_of(one); }
    bool is_stopping() const noexcept override { return parts_.lent.stop.stop_requested(); }
    pool* pool_of_worker() noexcept override;
    void keep_scheduler() noexcept override { keep(); }
    void release_scheduler() noexcept override { release(); }
    void repeat_after(task_ptr task, repetition answer) noexcept override;
    void notice_end() noexcept override { parts_.quiet.tell(); }

    // the keeper asks
    visit look_after(steady_time now) override;
    bool has_news() const noexcept override { return parts_.delayed.has_news(); }
    bool try_hold() noexcept override { return try_keep(); }
    void let_go() noexcept override { release(); }

private:
    friend class pool_door;
    friend class helping;

    void live(worker& self);
    bool may_have_tasks() const noexcept;
    task_counts ended() const noexcept;
    stats count() const noexcept;

    const pool_options options_;
    const kind kind_;
    lane_set& lanes_;
    pool_door door_;
    executor_parts parts_;
    pending_limit limit_;
    admission admission_;
    caller_runs callers_;
    intake intake_;
    workforce workers_;
    growth growth_;
    worker_loop loop_;
    thread_hooks hooks_;
    bool may_pause_ = true; ///< under the mutex
    std::atomic<std::uint64_t> refused_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
