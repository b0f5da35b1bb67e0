// SPDX-License-Identifier: MIT
#pragma once

// How an executor comes to its end, and how others wait until it has nothing to do. It asks the
// executor what only that knows (shutdown_participant.hpp).

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/host.hpp"
#include "keeper.hpp"
#include "quiescence.hpp"
#include "shutdown_participant.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class delayed_tasks;
class inside_library;
class sink_lending;

/// How long the end of the program waits for threads that have only their last steps to do.
inline constexpr std::chrono::milliseconds exit_patience{100};

/// Invariants  CLOSING-1  The mutex guards all but what is constant or atomic, and phase_ changes
///                        under it; while it is held no user code runs and no report is made.
///             CLOSING-2  phase_ goes from open over closing to closed. When close() has had it
///                        closed and has passed a heavy barrier, what has been accepted is fixed:
///                        whoever stores a task without the mutex looks for that once more
///                        afterwards, in his lane (LANES-5), and takes the task back. So closing
///                        leaves nothing accepted behind.
///             CLOSING-3  Closing first closes the timers' intake, and takes out what is left there
///                        before it waits for the last time: so nothing comes
///                        from there afterwards.
///             CLOSING-4  It closes in steps. What one of them gives up may be the last owner of a
///                        scope, which waits for its tasks there: when time is up, that takes the
///                        next steps from inside. So no lock is held while anything is given up,
///                        and a step relies on those before it to have begun, not to have ended.
class closing {
public:
    /// `stop` asks the tasks that see `lent` to stop; `watched` is what the
    /// keeper is to look after.
    closing(shutdown_participant& asked, ward& watched, quiescence& quiet, const host& lent,
            stop_source& stop, sink_lending& sink, delayed_tasks& delayed) noexcept
        : asked_(asked), watched_(watched), quiet_(quiet), lent_(lent), stop_(stop), sink_(sink),
          delayed_(delayed) {}
    closing(const closing&) = delete;
    closing& operator=(const closing&) = delete;

    // Who may come in -----------------------------------------------------------------------------

    /// True on its workers, also between tasks: they must not wait for themselves.
    bool runs_this_thread() const noexcept {
        return this_thread.works_for == &lent_ || inside_a_task_of(&lent_);
    }

    /// Whether this thread may store a task: while closing, only running tasks may.
    bool is_open_here() const noexcept {
        const phase now = phase_.load(std::memory_order_relaxed);
        return (now == phase::open || (now == phase::closing && inside_a_task())) &&
               asked_.is_in_its_process();
    }

    /// Whether nothing is taken any more, from nobody.
    bool is_closed() const noexcept {
        return phase_.load(std::memory_order_relaxed) == phase::closed ||
               !asked_.is_in_its_process();
    }

    /// What to answer where it is not open.
    refusal why_not_open() const noexcept {
        return asked_.is_in_its_process() ? refusal::shutting_down : refusal::forked_child;
    }

    /// To be called before anything is stored, with no lock held: from now on the keeper comes by,
    /// and the module stays loaded.
    void begin_use() noexcept {
        if (!is_in_use_.load(std::memory_order_acquire) && !is_closed()) [[unlikely]] {
            begin_first_use();
        }
    }

    // The owner's side ----------------------------------------------------------------------------

    /// Waits until nothing is queued or running. From a task of its own: false at once.
    bool drain_until(steady_time deadline);

    /// From now on takes only what running tasks fire, and asks those with a stop_token to stop.
    void begin();

    /// Nothing more is to wait for its time, and what can't start before
    /// `deadline` is given up now.
    void give_up_late(steady_time deadline);

    /// Lets the tasks finish until `deadline`, reports the rest, closes, and ends the threads. True
    /// if nothing was abandoned. From a task of its own it only begins to close: false.
    bool shutdown_until(steady_time deadline);

    // At exit: exit_registry.hpp ------------------------------------------------------------------

    /// The calling thread has called exit(), and what it is inside of does not go on: others that
    /// exit do not wait for that. A drain does, for it has not ended.
    void note_exiting() noexcept;

    /// Waits until it is quiet or its deadline has come, counted from `start`. What can't start by
    /// then is reported at once.
    void wait_for_exit(steady_time start, sink_time& for_sinks);

    /// Closes, and reports what is left as abandoned. Afterwards nobody may use the executor's
    /// sink, which is the user's: static destructors run next.
    void close_for_exit(steady_time start, sink_time& for_sinks);

    /// Ends the threads, as far as they do until `deadline`.
    void end_threads(steady_time deadline);

    /// When its deadline is, for an exit that began at `start`.
    steady_time exit_time(steady_time start) const noexcept {
        return later(start, asked_.exit_timeout());
    }

    std::uint64_t admissions() const { return asked_.admissions(); }

    // What was given up ---------------------------------------------------------------------------

    /// Whether all is over, and nothing that seems to have been accepted since
    /// was. Under the mutex.
    bool is_settled() const noexcept { return is_settled_; }

    /// The end of a task that was written off. Under the mutex.
    void note_written_off_end() noexcept {
        --written_off_;
        quiet_.notify();
    }

private:
    class last_steps;
    enum class phase : std::uint8_t { open, closing, closed };

    /// Who waits: a thread that goes on, or one that exits.
    enum class who : std::uint8_t { caller, exiting };

    /// What runs but is not waited for.
    struct exempt {
        std::size_t tasks = 0;
        std::size_t open = 0; ///< coroutines
    };

    void begin_first_use() noexcept;
    void end_use(steady_time deadline) noexcept;
    bool close(steady_time deadline, sink_time& for_sinks);
    void give_up_late(steady_time deadline, sink_time& for_sinks);
    bool is_quiet(const exempt& but) const noexcept;
    bool wait_quiet(inside_library& waiting, std::unique_lock<std::mutex>& lock,
                    steady_time deadline, who waits);
    void insist(inside_library& waiting);

    shutdown_participant& asked_;
    ward& watched_;
    quiescence& quiet_;
    const host& lent_;
    stop_source& stop_;
    sink_lending& sink_;
    delayed_tasks& delayed_;

    std::atomic<phase> phase_{phase::open};
    std::atomic<bool> is_in_use_{false};
    std::atomic<bool> has_module_{false}; ///< it keeps the module loaded
    bool has_abandoned_ = false;
    bool is_settled_ = false;
    exempt left_by_exit_;
    std::size_t written_off_ = 0;      ///< still run, but were reported as abandoned
    std::uint64_t dropped_before_ = 0; ///< coroutines given up by others, before it began to close
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
