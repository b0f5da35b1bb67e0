// SPDX-License-Identifier: MIT
#pragma once

// What a compiler says of a co_await that can't be: how it is to be written. task_promise.hpp and
// ../../when_all.hpp ask.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../submit/job.hpp"
#include "awaitable.hpp"

#include <concepts>
#include <coroutine>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Turns into whatever is made of a result that there can't be, so that nothing else is wrong.
struct no_result {
    template <class T>
    operator T() const noexcept;
};

/// In the place of an awaiter.
struct no_wait : std::suspend_never {
    static no_result await_resume() noexcept { return {}; }
};

/// A function, or what is called without arguments.
template <class A>
concept only_to_be_called =
    std::is_function_v<std::remove_pointer_t<std::remove_reference_t<A>>> || std::is_invocable_v<A>;

/// What has members to be awaited, as the things that coroutines share.
template <class A>
concept has_scoped_lock = requires(std::remove_reference_t<A>& it) {
    { it.scoped_lock() } -> awaitable;
};
template <class A>
concept has_acquire = requires(std::remove_reference_t<A>& it) {
    { it.acquire() } -> awaitable;
};
template <class A>
concept has_pop = requires(std::remove_reference_t<A>& it) {
    { it.pop() } -> awaitable;
};

/// Says what is wrong with a co_await of `A`, and does not compile.
template <class A>
no_wait say_why_not_awaitable() noexcept {
    constexpr bool is_meant = !std::is_same_v<A, A>;
    if constexpr (std::derived_from<std::remove_cvref_t<A>, submission>) {
        static_assert(is_meant, "fire_and_forget: what is fired is not awaited: await the function "
                                "itself, co_await f(x), or all tasks of a task_scope, co_await "
                                "scope.drained().");
    } else if constexpr (has_execute<std::remove_reference_t<A>>) {
        static_assert(is_meant,
                      "fire_and_forget: an executor is not awaited: co_await "
                      "faf::resume_on(it) goes on there, co_await scope.drained() waits for "
                      "a task_scope.");
    } else if constexpr (only_to_be_called<A>) {
        static_assert(is_meant, "fire_and_forget: a function is not awaited, but what it returns: "
                                "co_await f(x).");
    } else if constexpr (has_scoped_lock<A>) {
        static_assert(is_meant, "fire_and_forget: a mutex is not awaited, but its lock: const auto "
                                "lock = co_await mutex.scoped_lock();");
    } else if constexpr (has_acquire<A>) {
        static_assert(is_meant,
                      "fire_and_forget: a semaphore is not awaited, but a permit: co_await "
                      "semaphore.acquire();");
    } else if constexpr (has_pop<A>) {
        static_assert(is_meant,
                      "fire_and_forget: a channel is not awaited, but an item: const auto "
                      "item = co_await channel.pop();");
    } else {
        static_assert(is_meant,
                      "fire_and_forget: this can't be awaited: it has no operator co_await, "
                      "and is no awaiter.");
    }
    return {};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
