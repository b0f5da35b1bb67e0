// SPDX-License-Identifier: MIT
#pragma once

// What a caller can say about one task and about a pool, and what the call answers.

#include "call_site.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/platform.hpp"
#include "detail/platform/stop_token.hpp"
#include "detail/platform/thread_name.hpp"
#include "error_report.hpp"
#include "literal.hpp"
#include "time_span.hpp"
#include "worker_info.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Which of the waiting tasks of a pool start first. Lower ones still get a share of the starts.
enum class priority : std::uint8_t { high, normal, low };

/// What becomes of a refusal, beside the answer of the call and the count in stats::refused.
enum class refusals : std::uint8_t {
    reported, ///< it is reported, as everything else that goes wrong
    quiet,    ///< nothing: for callers who look at the answer. It costs them no more than an
              ///< accepted call
};

/// What one call says about its task. All fields may be left out; the others stand in the order in
/// which they are here:
///
///     fire_and_forget({.name = "refresh", .on_error = note_it}, refresh, key);
///
/// A task fired with options is timed: its reports carry `waited` and `ran`. Times are any
/// std::chrono::duration; one as long as std::chrono::hours::max() lasts for ever: a task starts
/// never, does not expire, or runs once.
struct options {
    /// Names the task in reports. A literal, for it is not copied (faf::copied_name() does, from a
    /// header of its own); empty if the task has no name.
    literal name{};

    /// Which of the tasks that wait are to start before others.
    faf::priority priority = faf::priority::normal;

    /// With refusals::quiet nothing is reported if the task is not accepted.
    faf::refusals refusals = faf::refusals::reported;

    /// Start no earlier than this after the call. The task waits without a thread. Negative is 0.
    time_span after{};

    /// Start again every so often, counted from the first start's time, until `stop` asks to stop,
    /// fn returns faf::stop_repeating, or the executor shuts down. 0: only once.
    ///
    /// Runs never overlap. A start that is late does not put off the ones after it; one whose whole
    /// period has passed is left out and counted in `stats::skipped`. A run that fails is reported,
    /// and the next one starts all the same. fn and its arguments are called as lvalues.
    time_span every{};

    /// With `every`: when it is to stop, by `stop` or because the executor shuts down, fn is called
    /// once more, at once, whatever its result. For a last flush, or to say goodbye. In the latter
    /// case that is on the thread that shuts down, or after the run that is under way; it counts as
    /// no run, and in a serial_executor, where others may run meanwhile, there is none. Not where
    /// what fn returns is awaited, nor for what is abandoned because the time to shut down is up.
    bool final_run = false;

    /// Drop the task, and report that, if it has not started this long after it might have: after
    /// the call, or after the time that `after` or `every` gave it. 0: never.
    time_span expires{};

    /// A std::stop_token. Cancels the task if it has not started, and is handed to fn if fn takes a
    /// stop_token first: there it also stops when the pool shuts down.
    detail::stop_token stop{};

    /// This task's own sink, asked before the pool's and the global one. Copied.
    error_sink on_error{};

    /// The place that reports name. Left alone it is the fire_and_forget call itself; a function
    /// that fires on behalf of its callers passes theirs on.
    call_site where{};
};

/// What fn may return to say whether it is to be called again; see options::every.
///
///     fire_and_forget({.every = 1s}, [n = 3]() mutable {
///         return --n > 0 ? faf::keep_repeating : faf::stop_repeating;
///     });
enum class repetition : std::uint8_t { go_on, stop };
inline constexpr repetition keep_repeating = repetition::go_on; ///< call it when its time comes
inline constexpr repetition stop_repeating = repetition::stop;  ///< this was the last run

/// Why a task was not accepted.
enum class refusal : std::uint8_t {
    none,              ///< it was accepted
    queue_full,        ///< its executor holds as many tasks as it may
    shutting_down,     ///< its pool is closed, or the program is exiting
    out_of_memory,     ///< there was no memory for it
    no_thread,         ///< no thread could be started for it, or there are as many as may be
    empty_callable,    ///< fn is a null pointer or an empty std::function
    copy_threw,        ///< copying or moving fn or an argument threw
    executor_failed,   ///< the executor threw, or dropped the job it was given
    invalid_options,   ///< what the options ask for can't be done with this fn or this executor
    in_signal_handler, ///< a signal handler fired it, having interrupted this library; not reported
    forked_child,      ///< its executor was made before this process was forked: no threads here
};

/// `why` in plain words, to be read on their own: "the queue is full".
constexpr literal to_string(refusal why) noexcept {
    switch (why) {
    case refusal::none:
        return "accepted";
    case refusal::queue_full:
        return "the queue is full";
    case refusal::shutting_down:
        return "the executor is shutting down";
    case refusal::out_of_memory:
        return "there is no memory for the task";
    case refusal::no_thread:
        return "no thread could be started, or there are as many as may be";
    case refusal::empty_callable:
        return "the callable is empty";
    case refusal::copy_threw:
        return "copying the callable or an argument threw";
    case refusal::executor_failed:
        return "the executor threw or dropped the job";
    case refusal::invalid_options:
        return "its options ask for what can't be done";
    case refusal::in_signal_handler:
        return "a signal handler fired it while its thread was inside this library";
    case refusal::forked_child:
        return "its executor belongs to the process that forked this one";
    }
    return "refused";
}

/// What a call answers: whether the task was accepted. It may be ignored: a refusal has been
/// reported, unless the call or its pool asks for refusals::quiet.
///
///     if (auto answer = fire_and_forget(work); !answer) {
///         std::puts(to_string(answer.why()).c_str());
///     }
class submission {
public:
    /// Accepted.
    constexpr submission() noexcept = default;

    /// Refused, or with refusal::none accepted: the answer of an executor of one's own.
    constexpr explicit submission(refusal why) noexcept : why_(why) {}

    /// True if the task was accepted: it will run, or be reported.
    constexpr explicit operator bool() const noexcept { return why_ == refusal::none; }

    /// Why it was not accepted; refusal::none if it was.
    constexpr refusal why() const noexcept { return why_; }

private:
    refusal why_ = refusal::none;
};

/// Who wakes a worker of a pool that sleeps.
enum class wake : std::uint8_t {
    adaptive,  ///< while tasks keep coming, some milliseconds apart at most, nobody: one worker
               ///< looks and naps. When none has come for 10 ms all sleep, and it is the call that
               ///< fires the next one
    by_caller, ///< the call that fires the next task, at the price of a system call (2-3 us)
    by_worker, ///< another worker, which naps instead of sleeping: no call pays, and tasks fired at
               ///< an idle pool start later by up to one nap
};

/// When a pool takes what its own tasks fire.
enum class nested : std::uint8_t {
    in_turn,      ///< behind what was fired before
    newest_first, ///< before anything else of normal priority: depth first. A tree of tasks then
                  ///< takes the memory of its height and not of its breadth
};

/// What a call does that finds `max_pending` tasks waiting.
enum class overflow : std::uint8_t {
    refuse,      ///< its task is refused
    drop_oldest, ///< a task makes room, of those with the lowest priority, if that is not above its
                 ///< own: the one that waits for a worker longest, or if none does, of those that
                 ///< wait for their time the one whose time comes last, for it would keep its place
                 ///< the longest. It is reported as displaced. Tasks that repeat stay. If there is
                 ///< none to make room, its own task is refused
    run_in_caller, ///< it runs its task itself, before it returns
    wait,          ///< it waits for room, for `full_wait` at most; then its task is refused. Where
                   ///< tasks end quickly it waits for room for many of them at once, so that most
                   ///< calls do not wait: it goes on 0.3 ms after there was room for one at the
                   ///< latest. From a task of the pool it does not wait, nor
                   ///< inside another call at it: from a handler of a signal, or a copy constructor
};

class task_observer;

/// How a pool is made. All fields may be left out:
///
///     faf::thread_pool writers({.threads = 2, .max_pending = 1'000, .name = "writer"});
///     faf::thread_pool four({.threads = 4, .fixed = true, .exit_timeout = faf::forever});
///
/// They are written in the order in which they stand here: how many threads (`threads`,
/// `max_threads`, `fixed`, `grow_after`), how many tasks (`max_pending`, `when_full`, `full_wait`,
/// `refusals`), in which order (`nested_tasks`), how they wake (`wake_up`, `nap`), how long is too
/// long (`starvation_after`, `exit_timeout`), what the threads are like (`name`, `stack_size`,
/// `on_thread_start`, `on_thread_stop`), and who hears of tasks (`observer`) and of errors
/// (`on_error`).
struct pool_options {
    /// Worker threads. 0: as many as the process may use, by its affinity mask and the CPU quota of
    /// its control group. They are started when they are first needed.
    unsigned threads = 0;

    /// How many there may be while tasks wait and those that run are blocked; when they are idle
    /// again, the additional ones end. Whoever waits for a mutex counts as blocked after a quarter
    /// of a second: who has it may only be waiting for a processor. 0: 512, or `threads` if that is
    /// more; but a pool with `.threads = 1` has one at any time, so that its tasks run one after
    /// the other. Fewer than `threads` means `threads`.
    unsigned max_threads = 0;

    /// True: the pool has its `threads` at most, whatever they do, and `max_threads` says nothing.
    bool fixed = false;

    /// Each task that has waited this long gets a thread, up to `max_threads`, whatever the others
    /// do: also where these compute, or are blocked now and then only, such as those that serve
    /// connections which stay open. 0: only tasks behind workers that are blocked.
    time_span grow_after{};

    /// How many tasks may wait, those included that wait for their time. Exact. A task that repeats
    /// counts as waiting until it ends. 0: as many as there is memory for.
    std::size_t max_pending = 0;

    /// What a call does when as many wait.
    overflow when_full = overflow::refuse;
    time_span full_wait = std::chrono::seconds(1); ///< with overflow::wait

    /// With refusals::quiet a call that is refused is not reported, whatever the reason. Jobs that
    /// come by way of another executor, whose callers have their answer, still are.
    faf::refusals refusals = faf::refusals::reported;

    /// When it takes what its tasks fire. With nested::newest_first a worker goes on with what the
    /// task has fired that it has run last, and what one task fires is taken in the order of the
    /// calls; one start in 16 is kept for what waits elsewhere, so that nothing waits for ever.
    /// Deeper than 32 levels what is fired is taken in turn again. Coroutines that go on, and tasks
    /// of high or low priority, are taken as ever.
    nested nested_tasks = nested::in_turn;

    /// Who wakes a worker. With wake::adaptive one that has run out of tasks looks for others after
    /// each `nap` (10 ms at most), as long as they keep coming; after a pause without any, the next
    /// one starts later by a nap or an eighth of the pause, at most. With wake::by_worker one looks
    /// after each `nap`, all the time. Naps take processor time: those of 50 us a quarter of a core
    /// on a virtual machine, longer ones less.
    wake wake_up = wake::adaptive;
    time_span nap = std::chrono::microseconds(50); ///< how long a worker naps

    /// When tasks have waited this long while all threads were kept by others, and there may be no
    /// more threads, that is reported as failure::starvation, once until it is over. 0: never. In a
    /// pool that never has more than one thread this is usual, so there it is reported only if
    /// another time than the second given here is asked for.
    time_span starvation_after = std::chrono::seconds(1);

    /// How long the end of the program, or of the pool, waits for its tasks; faf::forever: until
    /// all have run. Negative is 0.
    time_span exit_timeout = std::chrono::seconds(5);

    /// Names the worker threads: "faf/1", "faf/2" ... Ten characters of it are copied and
    /// shown, so it may be any text, a std::string too.
    detail::thread_name name = "faf";

    /// Bytes of stack for each thread. 0: what the system gives. Rounded up to whole pages, and to
    /// 64 KiB, which the library needs for its reports. If the system does not start a thread with
    /// that much, failure::starvation says so, and the tasks wait.
    std::size_t stack_size = 0;

    /// Called on each thread of the pool before its first task, and after its last, those included
    /// that were hired because others are blocked, or instead of one that a task has ended; there
    /// it is called on the one that ends, too. For affinity, names and what is local to a thread.
    ///
    ///     .on_thread_start = [](const faf::worker_info& me) { pin_to_cpu(me.index); }
    ///
    /// What it throws is reported to the pool's sink or the global one as failure::hook_failed, and
    /// the thread goes on. It may fire tasks, and must not end its thread. A slow start is that of
    /// a thread: what is fired meanwhile waits, some milliseconds later others come for it.
    /// Lifetime: as of on_error. A thread whose task was given up when the pool ended stops without
    /// it, and so do those of the default pool at exit, unless faf::shutdown() was called.
    thread_hook on_thread_start{};
    thread_hook on_thread_stop{}; ///< see above

    /// Hears of each task (observer.hpp), must outlive the pool, and that of the default pool the
    /// program: give it static storage. Null: nobody does.
    task_observer* observer = nullptr;

    /// The pool's own sink, asked after a task's own and before the global one. What it refers to
    /// must live as long as the pool; that of the default pool until exit has closed it.
    error_sink on_error{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI
