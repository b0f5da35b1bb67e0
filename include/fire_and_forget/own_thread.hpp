// SPDX-License-Identifier: MIT
#pragma once

// One thread for each task. For work that blocks for long or for ever, where a pool would run out
// of workers; a thread costs its caller tens of microseconds, a task on a pool far less than one.

#include "detail/platform/abi.hpp"
#include "detail/pool/own_threads.hpp"
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
/// A delayed task gets its thread when it is due, one that repeats a thread for each run; so does a
/// coroutine that goes on. Where none can be had then, it waits for one.
///
/// The threads are counted: drain, shutdown and exit wait for them like for the default pool's
/// tasks and report as abandoned what does not end in time. Errors: if the system starts no thread,
/// even at the third try, or there are as many as limit_own_threads() allows, 1024 by default, the
/// task is refused with refusal::no_thread, and the sink hears of it.
struct own_thread_t {
    submission execute(job work) const {
        return detail::execute_on(detail::own_threads::instance(), work);
    }
};

inline constexpr own_thread_t own_thread{};

/// Allows own_thread that many threads at one time; tasks beyond that are refused.
inline void limit_own_threads(std::size_t most) noexcept {
    detail::own_threads::set_limit(most);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
