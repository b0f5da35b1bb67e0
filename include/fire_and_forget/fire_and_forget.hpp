// SPDX-License-Identifier: MIT
#pragma once

// The front door. From here a call goes to its lane (detail/submit/fire.hpp), stores the closure
// there (detail/queue/lane.hpp), and sees whether it must wake a worker
// (detail/queue/doorbell.hpp); a worker takes it (detail/pool/worker_loop.hpp) and runs it
// (detail/task/task_run.hpp).

#include "call_site.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/time.hpp"
#include "detail/pool/default_executors.hpp"
#include "detail/pool/default_pool.hpp"
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

#include <type_traits>
#include <utility>

/// All that users call. Begin with fire_and_forget(), options and thread_pool.
namespace faf::inline FIRE_AND_FORGET_ABI {
/// Runs `fn(args...)` in the background, on the default pool, and returns at once.
///
///     fire_and_forget(send_mail, address, std::move(text));
///     fire_and_forget([&cache] { cache.refresh(); });
///     if (!fire_and_forget(save, document)) { save(document); }
///
/// fn: a function, a lambda, a pointer to a member; copied, or moved if it is an rvalue. If it
/// takes a std::stop_token first, it gets one; but not in the place of an `auto` that it can do
/// without, and not as a pointer to a member, as with std::jthread. Its result is dropped, unless
/// it is an error: a set std::error_code, an expected without a value, a std::exception_ptr. One
/// that has to be awaited is awaited: see coroutine.hpp.
/// args: copied or moved as by std::jthread, and passed on as rvalues; std::ref shares.
/// Returns whether the task was accepted, and why not. That may be ignored.
///
/// Order: the tasks of one thread are taken in the order of its calls; see thread_pool.
/// Errors: none reaches the caller. What goes wrong, here or in the task, is reported to the task's
/// sink, the pool's or the global one, with the file and line of this call. If a copy throws,
/// rvalue arguments may have been moved from; otherwise a refused call leaves its arguments alone.
/// Thread safety: may be called from any thread and at any time, from tasks, sinks, static
/// constructors and destructors. From a signal handler only if need be: where that has interrupted
/// this library on its thread, the call is refused with refusal::in_signal_handler, counted and not
/// reported; else it may allocate and lock, which is not safe if malloc was interrupted, or a sink.
/// Lifetime: the task owns copies. What fn captures by reference must outlive it, and so must what
/// is only looked at by what is copied: by a pointer, a std::string_view, a std::span, a std::ref.
/// A local array does not compile, as it would be such a pointer; a literal is there for ever.
/// Cost: some nanoseconds, no lock and no allocation if fn and args have 48 bytes or less and
/// copying them can't throw; else one allocation. A system call only where a worker has to be
/// woken.
template <class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(detail::located<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::default_pool_door(), nullptr, fn, std::forward<Args>(args)...);
}

/// Runs `fn(args...)` on the default pool as `how` says: by a name, with a priority, later, again
/// and again, with a stop_token or a sink of its own.
///
///     fire_and_forget({.name = "refresh", .on_error = note_it}, refresh, key);
///     fire_and_forget({.after = 3s}, [] { std::puts("three seconds later"); });
///     fire_and_forget({.every = 1min, .stop = token}, [&cache] { cache.refresh(); });
///
/// how: see faf::options; what the task needs of it is copied before the call returns. With
/// options::every, fn and args are kept and passed on as lvalues; what takes them only as such, as
/// `[](std::string& text)` does, does not compile, because a task may also run once.
/// fn, args, and what is returned: as without options.
///
/// Order: of one priority, those that need not wait for their time as without options.
/// Errors: as without options; besides, options that this fn can't fulfil are refused with
/// refusal::invalid_options. Reports of the task say how long it waited and ran.
/// Thread safety, Lifetime: as without options.
/// Cost: an allocation, a second one for a sink, a stop_token, `every` or `expires`, and a look at
/// the clock.
template <class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(const options& how, detail::located_to_repeat<std::type_identity_t<Args>...> fn,
                Args&&... args) {
    return detail::fire(detail::default_pool_door(), &how, fn, std::forward<Args>(args)...);
}

/// Runs `fn(args...)` on `executor`.
///
///     fire_and_forget(writers, save, std::move(document));    // a pool of one's own
///     fire_and_forget(faf::own_thread, serve);                // a thread of its own
///     fire_and_forget(on_asio, refresh, key);                 // somebody else's pool
///
/// executor: a thread_pool, own_thread, or any other faf::executor. It is not copied: only what it
/// makes of the job that it is given outlives the call, unless fn returns what has to be awaited:
/// coroutine.hpp says what becomes of it then.
/// fn, args, and what is returned: as without an executor.
///
/// Order: the executor's.
/// Errors: none reaches the caller, not even one that the executor throws. If it drops the job
/// before it returns, the task was refused, with refusal::executor_failed or what the executor
/// answers.
/// Thread safety: that of the executor; those of this library take calls from any thread.
/// Lifetime: as without an executor. A pool must be alive during the call.
/// Cost: for a thread_pool as for the default pool; for others an allocation, and what they do.
template <detail::answers_plainly E, class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(E&& executor, detail::located<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::core_of(std::forward<E>(executor)), nullptr, fn,
                        std::forward<Args>(args)...);
}

/// Runs `fn(args...)` on `executor` as `how` says.
///
///     fire_and_forget(writers, {.name = "save", .priority = faf::priority::high}, save, document);
///     fire_and_forget(faf::own_thread, {.name = "accept"}, serve);
///
/// executor: as without options. how: see faf::options.
/// fn, args, and what is returned: as without either.
///
/// Order, Thread safety, Lifetime: as without options.
/// Errors: as without options; besides, an executor that is not of this library has no timers, so
/// `after` and `every` are refused there with refusal::invalid_options.
/// Cost: as on the default pool with options, and what the executor does.
template <detail::answers_plainly E, class... Args>
[[gnu::always_inline]] inline submission
fire_and_forget(E&& executor, const options& how,
                detail::located_to_repeat<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::core_of(std::forward<E>(executor)), &how, fn,
                        std::forward<Args>(args)...);
}

/// Any other call: does not compile, and says how it is written.
template <class... Args>
requires detail::lacks_callable<Args...> submission fire_and_forget(Args&&...) {
    static_assert(sizeof...(Args) == ~0U,
                  "fire_and_forget: write it as fire_and_forget(executor, options, fn, args...), "
                  "where the executor and the options may be left out.");
    return {};
}

/// A call with braces that fits nothing, of which compilers would explain why each function does
/// not take it. clang says the sentence, others show the line.
#if defined(__clang__)
__attribute__((unavailable(
    "fire_and_forget: write it as (executor, {.name = \"x\"}, fn, args...), with the fields of "
    "faf::options in their order: name, priority, refusals, after, every, final_run, expires, "
    "stop, on_error, where; and if fn has overloads, fire a lambda that calls it"))) submission
fire_and_forget(...);
#else
submission fire_and_forget(...) = delete; // write it as (executor, {.name = "x"}, fn, args...)
#endif

/// Waits until no task of the default pool and no own_thread task is queued or running, for
/// `timeout` at most, or as long as it takes; true if that is so.
///
///     if (!faf::drain(10s)) { std::puts("still at work"); }
///     faf::drain();
///
/// Delayed tasks are waited for, too, and so are coroutines that wait; tasks that repeat only while
/// they run. From inside a task of either it answers false at once: it would wait for itself.
/// Thread safety: may be called by any thread, and by several at once; others may fire meanwhile.
inline bool drain(time_span timeout = time_span::endless()) {
    return detail::default_executors::drain_until(detail::deadline_after(timeout));
}

/// Closes the default pool and own_thread for good, and ends the threads of both; true if nothing
/// was abandoned: then no task runs any more. Most programs can leave all this to exit.
///
///     faf::shutdown(10s);
///
/// It asks tasks that take a stop_token to stop, lets the others finish for `timeout` at most, or
/// as long as it takes, and reports those that don't as abandoned. From inside a task of either it
/// answers false at once: nothing more is taken from outside, and what is queued still runs.
/// Thread safety: may be called by any thread, and again.
inline bool shutdown(time_span timeout = time_span::endless()) {
    return detail::default_executors::shutdown_until(detail::deadline_after(timeout));
}

/// What became of the tasks of the default pool and of own_thread so far, added up.
///
/// Thread safety: may be called by any thread at any time; see stats for what holds meanwhile.
/// Cost: a look at the counters of every thread; nothing for those who fire.
inline stats snapshot() {
    return detail::default_executors::snapshot();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
