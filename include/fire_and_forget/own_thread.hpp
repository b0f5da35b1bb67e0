// SPDX-License-Identifier: MIT
#pragma once

// One thread for each task. For work that blocks for long or for ever, where a pool would run out
// of workers; a thread costs its caller tens of microseconds, a task on a pool far less than one.

#include "detail/platform/abi.hpp"
#include "detail/pool/own_threads_door.hpp"
#include "executor.hpp"

#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// The executor that gives each task a thread of its own. Nobody has to join it: the library does,
/// and detaches none, because glibc's pthread_detach may tear down another thread when one ends
/// meanwhile.
///
///     fire_and_forget(faf::own_thread, [](std::stop_token stop) {
///         while (!stop.stop_requested()) { serve_next_connection(); }
///     });
///
/// The thread has the name of its task, of which the system shows 15 characters, or "faf/own".
///
/// A delayed task gets its thread when it is due, one that repeats a thread for each run; so does a
/// coroutine that goes on. Where none can be had then, it waits for one.
///
/// The threads are counted: drain, shutdown and exit wait for them like for the default pool's
/// tasks and report as abandoned what does not end in time.
///
/// Order: none.
/// Errors: if the system starts no thread, even at the third try, or there are as many as
/// limit_own_threads() allows, 1024 by default, the task is refused with refusal::no_thread, and
/// the sink hears of it.
/// Thread safety: may be fired at by any thread.
class own_thread_t {
public:
    /// Takes a job that was made for another executor, and answers whether it will run it. One that
    /// it refuses is reported; an empty one is refused with refusal::empty_callable.
    submission execute(job work) const { return detail::execute_on(core(), work); }

private:
    friend detail::core_access;
    static constexpr const detail::own_threads_door& core() noexcept {
        return detail::door_of_own_threads;
    }
};

/// The executor to be named in a call: fire_and_forget(faf::own_thread, serve).
inline constexpr own_thread_t own_thread{};

/// Allows own_thread `most` threads at one time, of all of the program; tasks beyond that are
/// refused with refusal::no_thread. 1024 unless this is called.
///
/// Those that run stay, also where there are more.
/// Thread safety: may be called by any thread at any time.
inline void limit_own_threads(std::size_t most) noexcept {
    detail::door_of_own_threads.set_limit(most);
}

/// Gives each own_thread that is started from now on a stack of so many bytes; 0: what the system
/// gives, as if this was never called.
///
///     faf::set_own_thread_stack_size(64 << 20);     // for a parser that goes deep
///
/// bytes: rounded up to whole pages, and to 64 KiB, which the library needs for its reports.
/// Errors: where the system starts no thread with that much, tasks are refused with
/// refusal::no_thread.
/// Thread safety: may be called by any thread at any time.
inline void set_own_thread_stack_size(std::size_t bytes) noexcept {
    detail::door_of_own_threads.set_stack_size(bytes);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
