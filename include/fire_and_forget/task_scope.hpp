// SPDX-License-Identifier: MIT
#pragma once

// A set of tasks with an owner, who can wait for them, ask them to stop, and take back what has not
// begun. detail/adaptor/scope_core.hpp is its inside.

#include "detail/adaptor/scope_core.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/time.hpp"
#include "detail/submit/any_core.hpp"
#include "detail/task/member_frame.hpp"
#include "executor.hpp"
#include "options.hpp"
#include "stats.hpp"
#include "thread_pool.hpp"
#include "time_span.hpp"

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

class drained_wait;
template <class Wait, class... From>
class wait_maker;

/// What task_scope::drained() returns, which coroutine.hpp knows.
template <class Wait>
using drained_awaitable = wait_maker<Wait, task_set&, bool>;

} // namespace detail

/// The tasks of one owner, on top of any executor. As the last member of a class it makes it safe
/// to fire tasks that capture `this`: it is destroyed first, and waits until they are gone.
///
///     class cache {
///     public:
///         void refresh() {
///             fire_and_forget(tasks_, {.every = 1min}, [this] { load(); });
///         }
///
///     private:
///         std::map<std::string, rate> rates_;
///         faf::task_scope tasks_;                       // last
///     };
///
/// It is an executor itself, so it takes all options and may stand under another scope. A task of a
/// scope has gone when nothing of it is left: not its callable, its arguments, its coroutine, nor
/// its own sink. When drain() answers true, all have gone.
///
/// Order: the executor's.
/// Errors: as with the executor; in the members below, none.
/// Thread safety: all members may be called by any thread; the destructor by one, when no other
/// uses the scope any more but its tasks.
/// What is fired at an executor that stands on it, be it by way of others, is a task of the scope
/// as well; and a scope that does so is asked to stop with it. A coroutine that is fired at it
/// stays on what the scope stands on; resume_on(scope) goes there, and makes it no task of the
/// scope.
///
/// Lifetime: the executor must outlive it. The scope must not end inside one of its own tasks, nor
/// with tasks left in a turn of the serial_executor that it stands on: it would wait for ever, so
/// that ends the program, by std::terminate and a sentence on standard error. A task, a sink or a
/// coroutine may be the last to own one: when that is abandoned, the tasks of the scope that have
/// not begun are abandoned before, when time is up, and what runs is waited for. But one that has
/// its turn in a serial_executor, to run or to be cancelled there, has the turn of what is behind
/// it: it must not be the last to own a scope on that, and ends the program as above. And an
/// executor of somebody else's that drops jobs one after the other may drop the owner first, and
/// have its thread wait for the next ones: then a sentence on standard error says so after a
/// second.
/// Cost: three atomic read-modify-writes for a task, and two more if it is a coroutine, beside what
/// the executor takes. What is fired from inside a task, or captures more than 24 bytes, is kept on
/// the heap.
///
/// Forks: in a forked child it refuses with refusal::forked_child, drain answers false at once, and
/// the destructor does not wait.
class task_scope {
public:
    /// A scope on the default pool.
    task_scope() : task_scope(default_pool()) {}

    /// A scope on `executor`, which must outlive it. One without a name does not compile.
    template <class E>
    requires(faf::executor<E> &&
             !std::same_as<std::remove_cvref_t<E>, task_scope>) explicit task_scope(E&& executor)
        : core_(detail::any_core(executor)) {
        static_assert(std::is_lvalue_reference_v<E>,
                      "fire_and_forget: a task_scope keeps no executor alive: give it one that has "
                      "a name.");
    }

    /// A scope inside `outer`: its tasks are tasks of both, and it is asked to stop with `outer`.
    explicit task_scope(task_scope& outer) : core_(detail::any_core(outer)) {}

    /// Does as request_stop(), and waits until all tasks have gone, however long that takes.
    ~task_scope() = default;
    task_scope(const task_scope&) = delete; // refer to it, or by faf::executor_ref(it)
    task_scope(task_scope&&) = delete;      // its tasks know where it is: keep it in a unique_ptr
    task_scope& operator=(const task_scope&) = delete;

    /// Takes a job that was made for another executor, and answers whether it will run it.
    submission execute(job work) { return detail::execute_on(core_, work); }

    /// Waits until no task of the scope is queued, delayed or running, those that they fire at it
    /// included, for `timeout` at most; true if that is so. A task that repeats is waited for until
    /// it has been stopped.
    ///
    /// From inside a task of the scope it answers false at once: it would wait for itself. So it
    /// does in what such a task awaits, by when_all or sync_wait, wherever that runs; and in a turn
    /// of the serial_executor that the scope stands on, if any of its tasks is left. On an executor
    /// of somebody else's it blocks the thread: there has to be another one that runs the tasks.
    bool drain(time_span timeout = time_span::endless()) {
        return core_.drain_until(detail::deadline_after(timeout));
    }

    /// `co_await scope.drained()`: goes on when no task of the scope is left, as drain() returns,
    /// but holds no thread meanwhile. Needs coroutine.hpp.
    ///
    ///     co_await scope.drained();
    ///     co_await faf::with_timeout(scope.drained(), 5s);    // or faf::timed_out
    ///
    /// A stop request does not end the wait, but with_timeout and when_any do. Several may wait.
    /// Throws: std::logic_error in a task of the scope, which would wait for itself;
    /// std::bad_alloc; task_cancelled in a forked child, and where the executor closes that it
    /// waits on.
    /// Lifetime: the scope must be there until the wait has ended.
    /// Cost: an allocation, from the pool of the frames, if it has to wait or not.
    template <class Wait = detail::drained_wait>
    [[nodiscard]] auto drained() noexcept {
        constexpr bool has_coroutines = requires {
            sizeof(detail::drained_awaitable<Wait>);
        };
        static_assert(has_coroutines, "fire_and_forget: task_scope::drained() is for coroutines: "
                                      "include <fire_and_forget/coroutine.hpp> for that.");
        if constexpr (has_coroutines) {
            return detail::drained_awaitable<Wait>(core_.members(),
                                                   detail::runs_a_member_of(core_.members()));
        }
    }

    /// Asks all to stop: tasks that take a stop_token, and coroutines that sleep. What waits for
    /// its time is cancelled, and what repeats ends; what is queued still runs. From then on only
    /// what its own tasks fire is taken, the rest refused with refusal::shutting_down.
    void request_stop() { core_.members().request_stop(); }

    /// Takes back all that has not begun, delayed and repeated tasks included; returns how many.
    /// Each of them will never run, and is counted by its executor and reported as cancelled, when
    /// that comes to it. What is fired afterwards runs.
    ///
    /// Throws: std::bad_alloc, if some are left of each call before and there is no memory to tell
    /// them from others; then nothing is cancelled.
    std::uint64_t cancel_pending() { return core_.members().cancel_pending(); }

    /// How many tasks there are now, and how many never came to run.
    scope_stats snapshot() const { return core_.snapshot(); }

private:
    friend detail::core_access;
    detail::scope_core& core() noexcept { return core_; }

    detail::scope_core core_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/adaptor/engine.ipp"
#endif
