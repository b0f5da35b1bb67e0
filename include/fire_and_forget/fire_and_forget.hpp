// SPDX-License-Identifier: MIT
#pragma once

// The front door. A call finds its executor here, stores the closure (detail/task.hpp), hands it
// over (detail/pool_core.hpp), and a worker runs it (detail/run_task.hpp).

#include "call_site.hpp"
#include "detail/located.hpp"
#include "detail/time.hpp"
#include "error_sink.hpp"
#include "executor.hpp"
#include "options.hpp"
#include "own_thread.hpp"
#include "stats.hpp"
#include "thread_pool.hpp"
#include "version.hpp"

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace faf {
namespace detail {

/// Hands `task` to any executor.
template <class E>
refusal hand_to(E& target, task_ptr task, const firing& call) {
    const hand_over frame;
    task->hand_over = frame.number();
    refusal answer = refusal::none;
    refusal reported = refusal::none;
    attempt(
        [&] {
            job work(std::move(task));
            if constexpr (!has_execute<E>) {
                target(std::move(work));
            } else if constexpr (std::same_as<decltype(target.execute(job())), submission>) {
                answer = target.execute(std::move(work)).why();
            } else {
                target.execute(std::move(work));
            }
        },
        [&] {
            if (frame.is_dropped()) {
                reported = call.refuse_for_exception(refusal::executor_failed);
            } else { // it has run or will run, whatever the executor threw afterwards
                call.tell_exception();
            }
        });
    if (!frame.is_dropped() || reported != refusal::none) {
        return reported;
    }
    return call.refuse(answer != refusal::none ? answer : refusal::executor_failed);
}

/// The same for those of the library, which know their own reasons and count.
template <class Core>
refusal hand_to_core(Core& core, task_ptr task, const firing& call) {
    const refusal why = core.accept(task);
    return why == refusal::none ? why : call.refuse(why);
}
inline refusal hand_to(pool_core& core, task_ptr task, const firing& call) {
    return hand_to_core(core, std::move(task), call);
}
inline refusal hand_to(own_threads& core, task_ptr task, const firing& call) {
    return hand_to_core(core, std::move(task), call);
}

// What stands behind an executor: for those of the library their core, else the executor itself.

inline pool_core& core_of(thread_pool& pool) noexcept {
    return pool_access::core(pool);
}
inline own_threads& core_of(const own_thread_t&) noexcept {
    return own_threads::instance();
}
template <class E>
E& core_of(E& other) noexcept {
    return other;
}

/// Every call ends up here.
template <class Core, class... Args>
submission fire(Core& core, const options* given, const located<std::type_identity_t<Args>...>& fn,
                Args&&... args) {
    firing call{given, nullptr, fn.where()};
    if (given != nullptr && given->where.line() != 0) {
        call.where = given->where;
    }
    if constexpr (std::same_as<Core, pool_core>) {
        call.of_executor = core.sink();
    }
    refusal why = refusal::none;
    task_ptr task = fn.make(call, why, std::forward<Args>(args)...);
    if (task) {
        return submission(detail::hand_to(core, std::move(task), call));
    }
    if constexpr (std::same_as<Core, pool_core> || std::same_as<Core, own_threads>) {
        core.note_refused();
    }
    return submission(why);
}

/// The two that a program has without making any.
struct default_executors {
    pool_core& pool = core_of(default_pool());
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
/// @param executor  where it runs: a thread_pool, own_thread, or any other faf::executor; left out,
/// the
///                  default pool
/// @param how       a name, a priority, a stop_token, a sink of its own; see faf::options
/// @param fn, args  copied or moved as for std::jthread and passed on as rvalues; std::ref shares.
///                  fn may be a pointer to a member. If it takes a std::stop_token first, it gets
///                  one. Its result is dropped, unless it is an error: a set std::error_code, an
///                  expected without a value, an exception_ptr.
/// @return          whether the task was accepted, and why not. It may be ignored.
///
/// Order: see the executor; thread_pool starts what one thread fires in the order of the calls.
/// Errors: none reaches the caller. What goes wrong, here or in the task, is reported to the task's
/// sink, the pool's or the global one, with the file and line of this call. If a copy throws,
/// rvalue arguments may have been moved from; otherwise a refused call leaves its arguments alone.
/// Thread safety: may be called from any thread and at any time, from tasks, sinks, static
/// constructors and destructors; not from a signal handler.
/// Lifetime: the task owns copies. What fn captures by reference must outlive it.
template <class... Args>
submission fire_and_forget(detail::located<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::core_of(default_pool()), nullptr, fn, std::forward<Args>(args)...);
}

template <class... Args>
submission fire_and_forget(const options& how, detail::located<std::type_identity_t<Args>...> fn,
                           Args&&... args) {
    return detail::fire(detail::core_of(default_pool()), &how, fn, std::forward<Args>(args)...);
}

template <executor E, class... Args>
submission fire_and_forget(E&& executor, detail::located<std::type_identity_t<Args>...> fn,
                           Args&&... args) {
    return detail::fire(detail::core_of(executor), nullptr, fn, std::forward<Args>(args)...);
}

template <executor E, class... Args>
submission fire_and_forget(E&& executor, const options& how,
                           detail::located<std::type_identity_t<Args>...> fn, Args&&... args) {
    return detail::fire(detail::core_of(executor), &how, fn, std::forward<Args>(args)...);
}

/// Waits until no task of the default pool and no own_thread task is queued or running, for
/// `timeout` at most; true if that is so. From inside such a task it answers false at once.
inline bool drain(std::chrono::nanoseconds timeout) {
    return detail::default_executors{}.drain_until(detail::deadline_after(timeout));
}

/// Closes the default pool and own_thread for good: asks tasks that take a stop_token to stop, lets
/// the others finish for `timeout` at most, reports those that don't as abandoned, and ends the
/// pool's threads. True if nothing was abandoned: then no task runs any more, and of the threads
/// only those of own_thread may still be about to end. Most programs can leave all this to exit.
///
/// From inside such a task it answers false at once: nothing more is taken from outside, and what
/// is queued still runs.
inline bool shutdown(std::chrono::nanoseconds timeout) {
    return detail::default_executors{}.shutdown_until(detail::deadline_after(timeout));
}

/// What became of the tasks of the default pool and of own_thread so far.
inline stats snapshot() {
    return detail::default_executors{}.snapshot();
}

} // namespace faf
