// SPDX-License-Identifier: MIT
#pragma once

// Coroutines as tasks: include this to fire what has to be awaited, to sleep without a thread, and
// to wait for callbacks (completion.hpp). The front door calls
// detail/coroutine/fired_coroutine.hpp; detail/coroutine/chain.hpp runs what that makes.

#include "detail/platform/coroutines.hpp"

#include "completion.hpp"
#include "detail/coroutine/chain_waits.hpp"
#include "detail/coroutine/drained_wait.hpp"
#include "detail/coroutine/fired_coroutine.hpp"
#include "detail/coroutine/oneway_task.hpp"
#include "detail/coroutine/task_promise.hpp"
#include "detail/coroutine/thrown.hpp"
#include "detail/platform/abi.hpp"
#include "fire_and_forget.hpp"
#include "time_span.hpp"

#include <chrono>
#include <concepts>
#include <coroutine>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// What a coroutine returns that others await. It starts when it is awaited, and is awaited once.
///
///     faf::task<int> answer() { co_await faf::sleep_for(1s); co_return 42; }
///     faf::task<> ask() { std::printf("%d\n", co_await answer()); }
///     fire_and_forget(ask);
///
/// T may be void, a reference of either kind, move-only, or copy-only. What the coroutine throws is
/// thrown by the co_await.
/// Only coroutines of this library can await it: task, and detached.
///
/// Lifetime: parameters taken by reference and the captures of a lambda are not the coroutine's
/// own. They must live until it ends. With `co_await f(x)` they do, and where f is fired: then the
/// task keeps f and its arguments until the end. A task of a lambda that is kept in a variable
/// outlives the lambda's captures as soon as the lambda is gone.
/// Pitfalls of compilers, whoever's the coroutine is. With GCC 12, a co_await that is itself a
/// condition, `if (co_await f())`, with while, for and switch alike, crashes when f suspends, and
/// `a ? b : co_await c` awaits in both arms: declare a variable, `if (const bool ok = co_await
/// f())`. It also moves an aggregate, or a lambda with captures, that is made inside of what is
/// awaited, `co_await send(message{1, "hello"})`, byte by byte, which breaks a short std::string in
/// it: give it a name first, `co_await send(std::move(greeting))`, or its type a constructor. And
/// of a lambda that is a coroutine inside of an extern "C" function, as a plugin has them, its
/// assembler says that a symbol is already defined: have that call a function of your own. Of GCC
/// 15 and 16 it is reported that `auto [a, b] = co_await f()` may not be destroyed: bind the names
/// to a variable, `auto& [a, b] = both`.
/// Executors: fired at one that is not of this library, `fire_and_forget(on_asio, ask)`, or moved
/// there by resume_on, a coroutine stays there: after each wait it is handed over as a job again.
/// For that it keeps the executor until it ends: a temporary is moved, a lambda or a function is
/// copied, with its captures, and any other object is referred to by its address. What is referred
/// to, by the lambda too, must outlive the coroutine. Its times are kept by the default pool, where
/// it also counts, for drain and exit, once it has waited. If the executor throws the job away, the
/// coroutine is destroyed and reported as abandoned. One that runs jobs inside of the call, as
/// inline_executor, runs them on whatever thread ended the wait. Where it hands its jobs on to an
/// executor of this library, that counts each of them as a task; but one by which a coroutine goes
/// on is not refused or displaced for want of room, taken back by a scope, nor replaced at a key.
/// Thread safety: none needed; a coroutine runs on one thread at a time.
/// Cost: one frame, from a pool; an await that does not wait, some nanoseconds. No depth of awaits
/// uses up the stack.
template <class T = void>
class [[nodiscard]] task : public detail::awaitable_in_chain_only {
public:
    /// For the compiler, which looks for it.
    using promise_type = detail::task_promise<T>;

    /// Empty: to await it throws std::logic_error.
    task() noexcept = default;

    /// Takes the coroutine of the other, which is empty afterwards.
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}

    /// Swaps the two.
    task& operator=(task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }

    /// Destroys a coroutine that was not awaited. It has not started.
    ~task() {
        if (frame_) {
            frame_.destroy();
        }
    }

    /// True if there is a coroutine to await.
    explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

private:
    friend promise_type;
    friend detail::await_access;
    template <class, class...>
    friend class detail::fired_coroutine;
    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    auto awaiter_in(detail::chain&) && noexcept {
        return detail::wait_for_task<T>(std::exchange(frame_, nullptr));
    }

    std::coroutine_handle<promise_type> frame_{};
};

/// `co_await faf::sleep_for(3s)`: continues after that time, on the executor it was on. Meanwhile
/// it holds no thread, only its frames and sixteen bytes.
///
/// Throws: task_cancelled, at once, where the task's stop_token is asked to stop or its executor
/// shuts down; so does every sleep after that.
inline detail::wait_maker<detail::sleep_wait, std::chrono::nanoseconds>
sleep_for(time_span delay) noexcept {
    return {delay};
}

/// `co_await faf::sleep_until(due)`: continues at a time of the steady clock, at once if that has
/// passed. Other clocks can be set, and then nothing holds: a time of theirs does not compile.
///
///     for (auto due = std::chrono::steady_clock::now();; due += 1s) {
///         co_await faf::sleep_until(due);
///         beat();
///     }
///
/// Throws, Cost, executors of somebody else's: as sleep_for.
template <class Clock, class Duration>
detail::wait_maker<detail::sleep_wait, std::chrono::steady_clock::time_point>
sleep_until(std::chrono::time_point<Clock, Duration> due) noexcept {
    static_assert(std::same_as<Clock, std::chrono::steady_clock>,
                  "fire_and_forget: sleep_until takes a time of std::chrono::steady_clock: with "
                  "another clock, use sleep_for(due - now).");
    const time_span since_start = due.time_since_epoch();
    return {std::chrono::steady_clock::time_point(since_start)};
}

/// `co_await faf::yield()`: goes to the end of the executor's queue; others have their turn.
///
/// Throws: task_cancelled if the executor takes nothing more.
inline detail::wait_maker<detail::yield_wait> yield() noexcept {
    return {};
}

/// `co_await faf::resume_on(writers)`: continues on another executor, which must live until it has
/// taken the coroutine; one that is not of this library, until it has ended: see task.
///
/// From there on everything in the chain runs there, also the coroutine that awaits this one: it
/// stays where it is until somebody moves it again.
/// Throws: task_cancelled, on the executor it was on, if the other takes nothing more. One that is
/// not of this library and refuses the job ends the coroutine: that is reported.
template <executor E>
detail::wait_maker<detail::executor_wait<E>, E&> resume_on(E& executor) noexcept {
    return {executor};
}

/// `std::stop_token stop = co_await faf::this_stop_token()`: asked to stop when the task's own
/// token is (options::stop) and when the executor shuts down that the coroutine is on. Does not
/// suspend.
///
/// Throws: std::bad_alloc, where the two tokens have to be made one.
inline detail::wait_maker<detail::token_wait> this_stop_token() noexcept {
    return {};
}

/// The return type of a coroutine that starts itself on the default pool when it is called:
///
///     faf::detached refresh(std::string key) { cache.put(key, co_await load(key)); }
///     refresh("rates");
///
/// What it throws is reported to the sink and names the coroutine; or its caller, if its last
/// parameter is `faf::call_site where = faf::call_site::current()`. A call that is refused is
/// reported too. It begins on the pool, but for one that is full and has its callers run what they
/// fire.
///
/// Lifetime: as for task. A lambda's captures would dangle here, because nobody keeps the lambda:
/// one that has captures does not compile. Give it arguments instead, or fire it with
/// fire_and_forget and let it return a task. The object of a member function must outlive it.
using detached = detail::oneway_task<detail::on_default_pool>;

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/engine.ipp"
#endif
