// SPDX-License-Identifier: MIT
#pragma once

// From a function that is no coroutine to one that is, and back with its result: for main, for
// tests, and for code that can't wait otherwise.

#include "call_site.hpp"
#include "coroutine.hpp"
#include "detail/coroutine/awaitable.hpp"
#include "detail/coroutine/branches.hpp"
#include "detail/coroutine/chain_waits.hpp"
#include "detail/coroutine/not_awaitable.hpp"
#include "detail/coroutine/task_promise.hpp"
#include "detail/coroutine/waiting_thread.hpp"
#include "detail/platform/abi.hpp"
#include "fire_and_forget.hpp"
#include "options.hpp"

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

/// Goes with the coroutine that a thread waits for.
struct tells_over {
    void operator()(waiting_thread* waiting) const { waiting->note_over(); }
};
using last_word = std::unique_ptr<waiting_thread, tells_over>;

/// Awaits `it`, and keeps what it throws.
template <class T, class A>
task<> await_into(branch_result<T>& into, std::remove_reference_t<A>& it, last_word by) {
    co_await wait_maker<awaited_by_thread, const waiting_thread&>(*by);
#if defined(__cpp_exceptions)
    try {
#endif
        if constexpr (std::is_void_v<T>) {
            co_await std::forward<A>(it);
        } else {
            into.came_to.return_value(co_await std::forward<A>(it));
        }
        into.has_ended = true;
#if defined(__cpp_exceptions)
    } catch (...) { // for who waits, and nobody else
        into.fail(exception_to_keep());
    }
#endif
}

} // namespace detail

/// Runs a task on the calling thread, and returns what it gives when it has ended.
///
///     int main() { std::printf("%d\n", faf::sync_wait(answer())); }
///
/// awaited: a task, or whatever else can be awaited. It runs here, in turns between its waits,
/// until it moves elsewhere by resume_on; meanwhile the thread does nothing else. What it awaits
/// may run on any thread.
/// Throws: what the task throws; that is reported to nobody else. task_cancelled, if it was given
/// up: the default pool, which keeps its times, was shut down while it waited.
/// std::logic_error, where it awaits the drained() of a task_scope, and the caller is in a task of
/// that.
/// Thread safety: may be called by any thread. In a task it blocks the worker, as any wait does:
/// on a pool without another thread, it must not wait for what that pool is to do, nor on the
/// default pool for time. In a coroutine use co_await. pthread_cancel of it waits until it returns.
/// Cost: a lock and a wake-up for each turn.
template <class A>
requires(detail::awaited_in_chain<A> || detail::awaitable<A>) //
    detail::await_in_chain_t<A> sync_wait(A&& awaited, call_site where = call_site::current()) {
    using result = detail::await_in_chain_t<A>;
    detail::waiting_thread here;
    detail::branch_result<result> came_to;
    fire_and_forget(here, {.where = where}, &detail::await_into<result, A>, std::ref(came_to),
                    std::ref(awaited), detail::last_word(&here));
    here.run_until_over();
    detail::rethrow_if_any(came_to.exception());
    return came_to.came_to.take();
}

/// Does not compile: a sentence says what can be waited for.
template <class A>
requires(!detail::awaited_in_chain<A> && !detail::awaitable<A>) //
    detail::no_result sync_wait(A&&) {
    static_assert(!std::is_same_v<A, A>,
                  "fire_and_forget: what is given to sync_wait has to be awaitable: a coroutine "
                  "called, sync_wait(f(x)), and a task that has a name an rvalue: std::move(it).");
    return {};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/waiting_thread.ipp"
#endif
