// SPDX-License-Identifier: MIT
#pragma once

// The pool of worker threads, and the one that every program has. The front door fires at it;
// detail/pool/pool.hpp is its inside.

#include "detail/platform/abi.hpp"
#include "detail/platform/platform.hpp"
#include "detail/platform/process.hpp"
#include "detail/platform/time.hpp"
#include "detail/pool/default_pool.hpp"
#include "detail/pool/pool_door.hpp"
#include "executor.hpp"
#include "options.hpp"
#include "stats.hpp"
#include "time_span.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Worker threads that share the tasks fired at them.
///
///     faf::thread_pool writers({.threads = 2, .name = "writer"});
///     fire_and_forget(writers, save, std::move(document));
///
/// Most programs need none of their own: fire_and_forget without an executor uses default_pool().
/// Make one to keep slow work away from quick work, or with `.threads = 1` to run tasks one after
/// the other.
///
/// Order: the tasks that one thread fires with one priority are taken in the order in which it
/// fired them, but for those of its thread_local destructors. A worker may take up to 63 short ones
/// together when none is idle; if it is kept by one of them, others run the rest. In a pool that
/// may not grow by 64 threads at least they are taken one by one: so a task may wait for an earlier
/// one as long as there are threads. Between threads and priorities there is no order.
/// Errors: go to the task's sink, the pool's, or the global one. None ends a worker.
/// Thread safety: all members may be called by any thread; the destructor by one, when no other
/// uses the pool any more.
/// Lifetime: the destructor is shutdown() with the pool's exit_timeout, and so is the program's
/// exit for pools that are alive then.
/// Cost: a thread when it is first needed, and what it has stored while it is queued.
///
/// Forks: in a forked child it has no threads, and refuses with refusal::forked_child; its drain
/// and shutdown answer false at once, its counters say 0. Make another one there.
class thread_pool final {
public:
    /// Makes a pool; its threads are started when they are first needed, with wake::by_worker one
    /// at once. settings: see pool_options.
    /// Throws: std::bad_alloc.
    explicit thread_pool(pool_options settings = {})
        : door_(&detail::pool_door::of_new_pool(std::move(settings))) {}

    /// Does not compile: a sentence says how the number of threads is written.
    template <detail::plain_number Threads>
    explicit thread_pool(Threads) : door_(nullptr) {
        static_assert(!detail::plain_number<Threads>,
                      "fire_and_forget: a pool is made of its options: "
                      "faf::thread_pool pool({.threads = 4}).");
    }

    /// Does as shutdown() does, with the pool's exit_timeout, and what is left over is reported.
    /// One of the pool's own tasks may do it, too: then what is queued still runs, and nobody
    /// waits.
    ~thread_pool() { door_->retire(); }
    thread_pool(const thread_pool&) = delete; // refer to it, or by faf::executor_ref(it)
    thread_pool(thread_pool&&) = delete;      // its threads know it: keep it in a unique_ptr
    thread_pool& operator=(const thread_pool&) = delete;

    /// Takes a job that was made for another executor, and answers whether it will run it. One that
    /// it refuses is reported; an empty one is refused with refusal::empty_callable.
    submission execute(job work) { return detail::execute_on(door(), work); }

    /// Waits until no task is queued or running, for `timeout` at most, or as long as it takes;
    /// true if that is so.
    ///
    ///     pool.drain();
    ///
    /// Delayed tasks are waited for, too, and so are coroutines that wait; tasks that repeat only
    /// while they run. From inside a task of this pool it answers false at once: it would wait for
    /// itself.
    bool drain(time_span timeout = time_span::endless()) {
        return door().drain_until(detail::deadline_after(timeout));
    }

    /// No worker begins a task from here on, until resume(): what is queued stays, what comes waits
    /// with it, and what runs goes on. So do coroutines until they wait. What a worker is just
    /// taking may still run. May be repeated; one resume() ends it.
    ///
    /// Meanwhile drain() waits, for ever if it is not told a time; calls with overflow::wait or
    /// overflow::run_in_caller do as if the pool was simply full; tasks that expire are dropped
    /// when it goes on. To close the pool, or to end the program, is to resume: nothing is lost.
    void pause() { door().pause(); }

    /// Ends pause(): workers come for what is queued. Without it, nothing happens.
    void resume() { door().resume(); }

    /// Whether pause() was called and has not been ended.
    bool is_paused() const noexcept { return door().is_paused(); }

    /// Closes the pool: asks tasks that take a stop_token to stop, lets those that are queued and
    /// running finish for `timeout` at most, or as long as it takes, reports the others as
    /// abandoned, and ends the threads. True if nothing was abandoned.
    ///
    /// Meanwhile only tasks may fire more tasks at it; afterwards nobody may. A task that does not
    /// end keeps its thread, which leaves when it does. Delayed tasks that are due by then still
    /// run; later ones are abandoned at once, and what repeats ends. From inside a task of this
    /// pool it answers false at once: the pool takes nothing more from outside, and what is queued
    /// still runs.
    bool shutdown(time_span timeout = time_span::endless()) {
        return door().shutdown_until(detail::deadline_after(timeout));
    }

    /// What became of the tasks so far; see stats for what holds while they go on.
    /// Cost: a look at the counters of every thread; nothing for those who fire.
    stats snapshot() const { return door().snapshot(); }

private:
    friend detail::core_access;
    friend class detail::never_destroyed<thread_pool>;
    explicit thread_pool(detail::pool_door& door) noexcept : door_(&door) {}

    detail::pool_door& door() const noexcept { return detail::pool_here(*door_); }
    detail::pool_door& core() const noexcept { return *door_; } // which looks by itself

    detail::pool_door* door_;

public:
    /// Any other way to make one: does not compile, and says how it is written. A template, so that
    /// it takes nothing from the others; and the last, for what clang-format makes of what follows.
#if defined(__clang__)
    template <class = void>
    [[clang::unavailable(
        "fire_and_forget: a pool is made of its options: write it as ({.threads = 4, .name = "
        "\"x\"}), in this order: threads, max_threads, fixed, grow_after, max_pending, when_full, "
        "full_wait, refusals, nested_tasks, wake_up, nap, starvation_after, exit_timeout, name, "
        "stack_size, on_thread_start, on_thread_stop, observer (a pointer), on_error")]] //
    explicit thread_pool(...);
#else
    template <class = void>
    explicit thread_pool(...) = delete; // write it as ({.threads = 4, .name = "x"}), in this order
#endif
};

namespace detail {

/// The default pool as its users know it.
struct default_thread_pool {
    never_destroyed<thread_pool> pool{default_pool_door()};
};
inline constinit one_per_process<default_thread_pool> default_thread_pool_of_process;

} // namespace detail

/// The pool that fire_and_forget uses when no executor is named. Made at the first use, never
/// destroyed: tasks may be fired from static constructors and destructors.
///
/// When the program exits, by main's end or by exit(), what is queued is run for the pool's
/// exit_timeout; the rest is reported as abandoned. After that it refuses. Objects with static
/// storage that were made before the pool's first use outlive that step, later ones do not: a task
/// may use the former. exit() from inside a task does not wait for that task.
///
/// Thread safety: may be called by any thread at any time.
///
/// Cancellation: pthread_cancel ends the wait of a thread in drain(), a scope's too, in shutdown(),
/// for room, and for a task by its handle. Any other call is finished first, a destructor too.
///
/// Signals: the library's threads take none but faults and profiling ticks. Handlers run on threads
/// of the program, and what these have blocked waits for them, as without the library. Only where
/// main has left by pthread_exit, a thread is made that takes what main would have taken; so the
/// process can still be ended, and handlers run there, not on a worker. What a task starts inherits
/// the mask of its thread, but for fork, after which the child has the program's mask. So a child
/// could not be ended by SIGTERM, unless posix_spawn is given an empty mask with
/// POSIX_SPAWN_SETSIGMASK, or system and popen are called in between
///
///     sigset_t none, mine;
///     sigemptyset(&none);
///     pthread_sigmask(SIG_SETMASK, &none, &mine);     // meanwhile handlers may run here
///     const int status = std::system(command);
///     pthread_sigmask(SIG_SETMASK, &mine, nullptr);
///
/// Forks: a child starts with a pool of its own with the same options, which has no tasks and whose
/// counters are 0; a reference from before the fork is good for it. The same holds for own_thread.
/// What the parent has queued or runs stays the parent's, and the sinks go on as they are. So a
/// program may become a daemon after its first use. A task that forks is the child's main: where it
/// returns there, the child exits with 0. vfork, posix_spawn and exec change nothing. Handlers of
/// pthread_atfork that were registered before the first use run too early in a child to fire.
inline thread_pool& default_pool() noexcept {
    static_cast<void>(detail::default_pool_door()); // it may report, whose sink comes here
    return *detail::default_thread_pool_of_process.get().pool;
}

/// Sets the options of the default pool. Before its first use, and may be repeated until then;
/// afterwards it answers false and changes nothing.
///
///     int main() { faf::configure_default_pool({.threads = 4, .on_error = to_our_log}); ... }
///
/// settings: see pool_options.
/// Thread safety: may be called by any thread. Lifetime: what the sink refers to must live until
/// the program's exit has closed the pool.
inline bool configure_default_pool(pool_options settings) {
    return detail::configure_default_pool(std::move(settings));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
