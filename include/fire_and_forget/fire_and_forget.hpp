// SPDX-License-Identifier: MIT
#pragma once

// The front door. From here a call goes to its lane (detail/submit/fire.hpp), stores the closure there
// (detail/queue/lane.hpp), and sees whether it must wake a worker (detail/queue/doorbell.hpp); a worker takes it
// (detail/pool/pool_staff.hpp) and runs it (detail/task/run_task.hpp).

#include "call_site.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/time.hpp"
#include "detail/submit/fire.hpp"
#include "detail/submit/located.hpp"
#include "error_sink.hpp"
#include "executor.hpp"
#include "options.hpp"
#include "own_thread.hpp"
#include "stats.hpp"
#include "thread_pool.hpp"
#include "time_span.hpp"
#include "version.hpp"

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {
namespace detail {

/// The two that a program has without making any.
struct default_executors {
    pool_core& pool = default_core();
    own_threads& threads = own_threads::instance();

    bool runs_this_thread() const noexcept {
        return pool.runs_this_thread() || threads.runs_this_thread();
    }

    /// Tasks of one may fire tasks at the other: both are quiet when nothing was accepted while
    /// first one and then the other was found quiet.
    bool drain_until(steady_time deadline) const {
        if (runs_this_thread()) {
            return false;
        }
        for (;;) {
            const std::uint64_t before = pool.admissions() + threads.admissions();
            if (!pool.drain_until(deadline) || !threads.drain_until(deadline)) {
                return false;
            }
            if (pool.admissions() + threads.admissions() == before) {
                return true;
            }
            if (steady_clock::now() >= deadline) {
                return false;
            }
        }
    }

    bool shutdown_until(steady_time deadline) const {
        pool.begin_closing();
        threads.begin_closing();
        if (runs_this_thread()) {
            return false;
        }
        pool.give_up_late_timers(deadline); // or the drain would wait for them
        threads.give_up_late_timers(deadline);
        static_cast<void>(drain_until(deadline));
        const bool threads_finished = threads.shutdown_until(deadline);
        const bool pool_finished = pool.shutdown_until(deadline);
        default_sink().flush();
        return threads_finished && pool_finished;
    }

    stats snapshot() const {
        stats all = pool.snapshot();
        return all += threads.snapshot();
    }
};

} // namespace detail

/// Runs `fn(args...)` in the background and returns at once.
///
///     fire_and_forget(send_mail, address, std::move(text));
///     fire_and_forget({.name = "refresh"}, [&cache] { cache.refresh(); });
///     fire_and_forget(writers, save, std::move(document));           // a pool of one's own
///     fire_and_forget(faf::own_thread, {.name = "accept"}, serve);    // a thread of its own
///
/// executor: where it runs: a thread_pool, own_thread, or any other faf::executor; left out, the
/// default pool. how: a name, a priority, a stop_token, a sink of its own; see faf::options.
/// fn, args: copied or moved as for std::jthread and passed on as rvalues; std::ref shares. fn may be
/// a pointer to a member. If it takes a std::stop_token first, it gets one; but not in the place of
/// an `auto` that it can do without. Its result is dropped, unless it is an error: a set
/// std::error_code, an expected without a value, an exception_ptr.
/// Returns whether the task was accepted, and why not. That may be ignored.
///
/// Order: see the executor; thread_pool takes what one thread fires in the order of the calls.
/// Errors: none reaches the caller. What goes wrong, here or in the task, is reported to the task's
/// sink, the pool's or the global one, with the file and line of this call. If a copy throws,
/// rvalue arguments may have been moved from; otherwise a refused call leaves its arguments alone.
/// Thread safety: may be called from any thread and at any time, from tasks, sinks, static
/// constructors and destructors. From a signal handler only if need be: where that has interrupted
/// this library on its thread, the call is refused with refusal::in_signal_handler, counted and not
/// reported; else it may allocate and lock, which is not safe if malloc was interrupted, or a sink.
/// Lifetime: the task owns copies. What fn captures by reference must outlive it, and so must what
/// is only looked at by what is copied: by a pointer, a std::string_view, a std::span, a std::ref. A
/// local array does not compile, as it would be such a pointer; a literal is there for ever.
template <class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(detail::located<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::default_core(), nullptr, fn, std::forward<Args>(args)...);
}

template <class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(const options& how, detail::located_to_repeat<std::type_identity_t<Args>...> fn,
                Args&&... args) {
    return detail::fire(detail::default_core(), &how, fn, std::forward<Args>(args)...);
}

template <executor E, class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(E&& executor, detail::located<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::core_of(executor), nullptr, fn, std::forward<Args>(args)...);
}

template <executor E, class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(E&& executor, const options& how,
                detail::located_to_repeat<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::core_of(executor), &how, fn, std::forward<Args>(args)...);
}

// Any other call, to say so in a sentence. Of one with braces compilers only show the line.

template <class... Args>
requires detail::lacks_callable<Args...> submission fire_and_forget(Args&&...) {
    static_assert(sizeof...(Args) == ~0U,
                  "fire_and_forget: write it as fire_and_forget(executor, options, fn, args...), "
                  "where the executor and the options may be left out.");
    return {};
}

submission fire_and_forget(...) = delete; // write it as (executor, {.name = "x"}, fn, args...)

/// Waits until no task of the default pool and no own_thread task is queued or running, for
/// `timeout` at most; true if that is so. From inside such a task it answers false at once.
inline bool drain(time_span timeout) {
    return detail::default_executors{}.drain_until(detail::deadline_after(timeout));
}

/// Closes the default pool and own_thread for good: asks tasks that take a stop_token to stop, lets
/// the others finish for `timeout` at most, reports those that don't as abandoned, and ends the
/// threads of both. True if nothing was abandoned: then no task runs any more. Most programs can leave
/// all this to exit.
///
/// From inside such a task it answers false at once: nothing more is taken from outside, and what
/// is queued still runs.
inline bool shutdown(time_span timeout) {
    return detail::default_executors{}.shutdown_until(detail::deadline_after(timeout));
}

/// What became of the tasks of the default pool and of own_thread so far.
inline stats snapshot() {
    return detail::default_executors{}.snapshot();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
