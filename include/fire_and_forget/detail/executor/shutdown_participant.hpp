// SPDX-License-Identifier: MIT
#pragma once

// What an executor is to its end: closing.hpp asks it these questions, and exit_registry.hpp has it
// on its list. A pool and own_threads are the two that there are.

#include "../platform/abi.hpp"
#include "../platform/process.hpp"
#include "../platform/time.hpp"
#include "errands.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class abandoned_tasks;
class closing;

/// An executor that must not lose tasks at exit. Shared by its owner, its threads and the exit
/// step, and deleted by whoever lets go of it last.
class shutdown_participant {
public:
    /// `its` is the part of it that closes it.
    explicit shutdown_participant(closing& its) noexcept : closing_(its) {}
    virtual ~shutdown_participant() = default;
    shutdown_participant(const shutdown_participant&) = delete;
    shutdown_participant& operator=(const shutdown_participant&) = delete;

    // What closing asks. "Under the mutex" is that of its quiescence.

    /// How long it may take at exit.
    virtual std::chrono::nanoseconds exit_timeout() const noexcept = 0;

    /// A number that is another one when it has taken a task.
    virtual std::uint64_t admissions() const = 0;

    /// Whether nothing that a drain waits for is queued or waits for its time, and of the tasks
    /// only `own` still run. Only the executor knows in which order to look, for tasks go from one
    /// to the other meanwhile. Under the mutex.
    virtual bool is_quiet(std::size_t own) const noexcept = 0;

    /// From now on only tasks that run may fire more.
    virtual void note_closing() noexcept = 0;

    /// Nothing more is to be accepted. Under the mutex.
    virtual void note_closed() noexcept = 0;

    /// Whether all was done when nothing was accepted any more.
    enum class before_end : std::uint8_t { busy, quiet };

    /// Settles what is still queued and sees to it that nothing more starts; true if any was. If it
    /// was quiet before, what seems to be queued has come too late.
    virtual bool abandon_queued(abandoned_tasks& abandoned, before_end was) = 0;

    /// Gives up the tasks that run, but for that of the calling thread; returns how many. Under the
    /// mutex.
    virtual std::size_t write_off_running(abandoned_tasks& abandoned) noexcept = 0;

    /// The program exits, by the calling thread.
    virtual void note_exit() = 0;

    /// Nothing has been heard for a while: calls those again who may not have heard a call.
    virtual void call_again() noexcept = 0;

    /// Ends its threads, as far as they do until `deadline`. False if this is one of them, and they
    /// stay.
    virtual bool end_threads(steady_time deadline) = 0;

    // What it is shared by.

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }

    /// The last user deletes it, but in a forked child lets its parent's lie.
    void release() noexcept;

    /// False if the last user has just let go of it. Relaxed: the lock of the list that led to it
    /// orders the rest.
    bool try_keep() noexcept;

    /// False in a forked child: it has no threads, and locks may be held by threads of its parent.
    bool is_in_its_process() const noexcept { return generation_ == generation_here(); }

    /// For a thread of its own, after user code: if that has forked and comes back in the child,
    /// this is the child's only thread, there is nothing more for it to do, and the child ends as
    /// if its main had returned.
    void end_if_forked() const;

private:
    friend class exit_registry;

    struct last_step final : errand {
        shutdown_participant& of;
        explicit last_step(shutdown_participant& one) noexcept : of(one) {}
        void run() override;
    };

    closing& closing_;
    const std::uint32_t generation_ = generation_here();
    std::atomic<std::uint32_t> users_{1};
    shutdown_participant* next_ = nullptr; ///< on the list of the registry
    shutdown_participant* previous_ = nullptr;
    last_step last_step_{*this};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
