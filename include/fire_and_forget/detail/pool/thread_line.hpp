// SPDX-License-Identifier: MIT
#pragma once

// What waits for a thread of its own, and how many threads there are to come to it. own_threads.hpp
// starts them.

#include "../../call_site.hpp"
#include "../executor/running_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <cstddef>
#include <exception>
#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whoever waits is served in order, by a thread that was sent for it or by one that has ended what
/// it ran. Where no thread is allowed there may be one all the same: what waits has been accepted,
/// and has nowhere else to go. Not thread-safe: the mutex of its owner guards it.
///
/// Invariants  LINE-1  A thread is counted from before it is started until it is about to end; and
///                     as coming as well, if it was sent, until it takes what waits or finds that
///                     others have.
///             LINE-2  While may_send() is false, threads come to all that wait, or there are as
///                     many as may be, or the system has refused one a moment ago.
class thread_line {
public:
    /// A task or a coroutine that waits, and later what its thread is seen to run.
    struct entry final : running_tasks::entry {
        task_ptr task;
        suspended* coroutine = nullptr; ///< instead of a task
        entry* behind = nullptr;
    };

    /// Null without memory.
    static std::unique_ptr<entry> make(const call_site& where, const char* name) noexcept;

    /// With a task or a coroutine whose time has come, which it owns then. Null without memory.
    static std::unique_ptr<entry> make(timer_node& item) noexcept;

    // What waits ----------------------------------------------------------------------------------

    bool is_empty() const noexcept { return first_ == nullptr; }

    void push(entry& last) noexcept;

    /// The one that waits longest, for a thread that has come or is done with another. Null if none
    /// waits, or if there are more than `most` threads.
    entry* pop(std::size_t most) noexcept;

    /// All that wait, one behind the other.
    entry* take_all() noexcept;

    // Threads -------------------------------------------------------------------------------------

    std::size_t threads() const noexcept { return threads_; }

    /// Whether some are on the way; they may find that nobody waits any more.
    bool has_coming() const noexcept { return coming_ > 0; }

    /// Counts a thread that comes to something that does not wait here; false if `most` are there.
    bool add_thread(std::size_t most) noexcept;

    /// For one that was not started, or is about to end.
    void remove_thread() noexcept { --threads_; }

    /// Whether something waits that none comes to, though there may be another.
    bool has_too_few(std::size_t most) const noexcept;

    /// Whether one may be started for that now.
    bool may_send(std::size_t most) const noexcept { return has_too_few(most) && pause_.is_over(); }

    /// Counts one that is about to be started for what waits. Null if may_send() is false, else
    /// what waits longest.
    const entry* send_thread(std::size_t most) noexcept;

    /// It is here, and takes what waits or ends.
    void note_arrival() noexcept { --coming_; }

    /// It could not be started; the trouble is to be reported if it is new.
    thread_trouble note_no_thread(const call_site& where, std::exception_ptr why) noexcept;

    /// When to send again after that.
    steady_time next_try() const noexcept { return pause_.end_time(); }

    /// The system gives threads again. Needs no mutex.
    void note_started() noexcept { pause_.end(); }

private:
    static std::size_t at_least_one(std::size_t most) noexcept { return most > 0 ? most : 1; }

    entry* first_ = nullptr;
    entry** end_ = &first_;
    std::size_t waiting_ = 0;
    std::size_t threads_ = 0;
    std::size_t coming_ = 0; ///< of these
    hiring_pause pause_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
