// SPDX-License-Identifier: MIT
#pragma once

// To await several things at once, in a coroutine: all of them, also if one fails or only as long
// as none does, the first of them, or one of them for some time. detail/coroutine/joint_wait.hpp is
// the inside.

#include "coroutine.hpp"
#include "detail/coroutine/joint_wait.hpp"
#include "detail/coroutine/not_awaitable.hpp"
#include "detail/platform/abi.hpp"
#include "time_span.hpp"

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// `co_await faf::when_all(f(x), g(y))`: starts all of them and goes on when all have ended.
///
///     auto both = co_await faf::when_all(load(symbol), faf::sleep_for(1s));
///     auto& [prices, _] = both;
///
/// awaited: tasks and whatever else can be awaited; each is moved in, one with a name (a
/// completion, say) is referred to. Gives a tuple of what they give, with std::monostate for void.
/// Each is awaited by a coroutine of its own on the executor of who awaits them all, so that they
/// run at the same time where that has several threads. They are its parts: drain, counters and
/// reports see it alone.
/// Errors: throws the first exception, in the order of the arguments, when all have ended; others
/// are reported. A stop request of the task reaches all of them. A part that an executor of
/// somebody else's refuses or drops is reported as abandoned, and has ended by task_cancelled.
/// Lifetime: who awaits them goes on, or is destroyed, only when all of them have ended; what they
/// refer to in its frame is there as long as that.
/// Cost: two frames each, from the pool of the frames, and a turn of the executor.
template <class... As>
requires(detail::awaited_together<As>&&...) //
    detail::all_together<detail::stops_others::by_no_end, As...> when_all(As&&... awaited) {
    return detail::all_together<detail::stops_others::by_no_end, As...>(
        std::tuple<As...>(std::forward<As>(awaited)...));
}

/// The same for as many as there are. Gives a vector of what they give; nothing, for void.
///
///     std::vector<faf::task<int>> parts;
///     for (const auto& file : files) { parts.push_back(count_lines(file)); }
///     const std::vector<int> lines = co_await faf::when_all(std::move(parts));
///
/// Errors, Lifetime, Cost: as above.
template <class A>
detail::all_of_these<detail::stops_others::by_no_end, A> when_all(std::vector<A>&& awaited) {
    return detail::all_of_these<detail::stops_others::by_no_end, A>(std::move(awaited));
}

/// `co_await faf::when_all_succeed(f(x), g(y))`: as when_all, but the first one that fails has the
/// others stop: for parts that are of no use without each other.
///
///     auto both = co_await faf::when_all_succeed(load_user(id), load_orders(id));
///     auto& [user, orders] = both;
///
/// One fails by an exception; an error that it returns is a result like others. Then the others are
/// asked to stop, as by when_any, and are awaited: nothing goes on behind the back of who awaits.
/// That is why it is not the default: what a part does for its effect, as saving something, would
/// be left half done because another one has failed.
/// Errors: throws the exception that came first, when all have ended; what others throw but
/// task_cancelled is reported. If the first was a task_cancelled, as of a part that its executor
/// refuses or drops, it throws what another one threw besides, if one did.
/// Lifetime, Cost: as for when_any.
template <class... As>
requires(detail::awaited_together<As>&&...) //
    detail::all_together<detail::stops_others::by_failure, As...> when_all_succeed(
        As&&... awaited) {
    return detail::all_together<detail::stops_others::by_failure, As...>(
        std::tuple<As...>(std::forward<As>(awaited)...));
}

/// The same for as many as there are. Gives a vector of what they give; nothing, for void.
///
/// Errors, Lifetime, Cost: as above.
template <class A>
detail::all_of_these<detail::stops_others::by_failure, A>
when_all_succeed(std::vector<A>&& awaited) {
    return detail::all_of_these<detail::stops_others::by_failure, A>(std::move(awaited));
}

/// `co_await faf::when_any(f(x), g(y))`: starts all of them and gives what the first one gives that
/// ends, as a std::variant whose index says which.
///
/// The others are asked to stop, as by the stop_token of their task, which also ends their waits
/// for completions, and are awaited: nothing goes on behind the back of who awaits. What does not
/// heed that, as an awaitable of another library, is waited for.
/// Errors: throws what the first one threw. What others throw but task_cancelled is reported. A
/// part that its executor refuses or drops is one that ended, by task_cancelled; where that is an
/// executor of somebody else's it is reported.
/// Lifetime, Cost: as for when_all. A completion that is awaited here is completed by a completer
/// only: the completion itself may be gone when it comes too late.
template <class... As>
requires(sizeof...(As) > 0 && (detail::awaited_together<As> && ...)) //
    detail::joint_awaitable<detail::any_of_tuple<As...>, std::tuple<As...>> when_any(
        As&&... awaited) {
    return detail::joint_awaitable<detail::any_of_tuple<As...>, std::tuple<As...>>(
        std::tuple<As...>(std::forward<As>(awaited)...));
}

/// The same for as many as there are. Gives a faf::first_of; for void with a std::monostate.
///
/// Errors: as above. It throws std::logic_error if there are none.
template <class A>
detail::joint_awaitable<detail::any_of_range<A>, std::vector<A>>
when_any(std::vector<A>&& awaited) {
    return detail::joint_awaitable<detail::any_of_range<A>, std::vector<A>>(std::move(awaited));
}

/// `co_await faf::with_timeout(f(x), 3s)`: what f gives, or an exception when it takes longer.
///
///     try {
///         show(co_await faf::with_timeout(load(symbol), 200ms));
///     } catch (const faf::timed_out&) { show_stale(); }
///
/// When the time is up, f is asked to stop, as by the stop_token of its task: that ends its sleeps
/// and its waits, for completions too, by task_cancelled. It is awaited to its end all the same;
/// what it gives then, if it does not heed that, is given and not lost.
/// Throws: timed_out, if it was ended by that; what f throws; task_cancelled at once, if the
/// executor that f is on refuses or drops it.
/// Lifetime, Cost: as for when_any, and a timer.
template <detail::awaited_together A>
detail::joint_awaitable<detail::timed_wait<A>, std::tuple<A, detail::timer>>
with_timeout(A&& awaited, time_span limit) {
    return detail::joint_awaitable<detail::timed_wait<A>, std::tuple<A, detail::timer>>(
        std::tuple<A, detail::timer>(std::forward<A>(awaited), sleep_for(limit)));
}

/// Any other call: does not compile, and says what can be awaited.
template <class... Any>
detail::no_wait when_all(Any&&...) {
    static_assert(sizeof...(Any) == ~0U,
                  "fire_and_forget: what is given to when_all has to be awaitable: a coroutine "
                  "called, when_all(f(x), g(y)), and what has a name an rvalue: std::move(it).");
    return {};
}

/// Any other call: does not compile, and says what can be awaited.
template <class... Any>
detail::no_wait when_all_succeed(Any&&...) {
    static_assert(sizeof...(Any) == ~0U,
                  "fire_and_forget: what is given to when_all_succeed has to be awaitable: a "
                  "coroutine called, when_all_succeed(f(x), g(y)), and what has a name an rvalue: "
                  "std::move(it).");
    return {};
}

/// Any other call: does not compile, and says what can be awaited.
template <class... Any>
detail::no_wait when_any(Any&&...) {
    static_assert(sizeof...(Any) == ~0U,
                  "fire_and_forget: what is given to when_any has to be awaitable: a coroutine "
                  "called, when_any(f(x), g(y)), and what has a name an rvalue: std::move(it).");
    return {};
}

/// Any other call: does not compile, and says how it is written.
template <class A, class Limit>
requires(!detail::awaited_together<A>) detail::no_wait with_timeout(A&&, Limit&&) {
    static_assert(!std::is_same_v<A, A>,
                  "fire_and_forget: write it as with_timeout(f(x), 200ms): first what is to be "
                  "awaited, a coroutine called, and a task that has a name as std::move(it).");
    return {};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/branches.ipp"
#endif
