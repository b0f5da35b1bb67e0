// SPDX-License-Identifier: MIT
#pragma once

// Whether what a task returns has to be awaited. call.hpp asks for every task, so this is all that
// programs without coroutines pay for them; how one awaits is in ../coroutine/awaitable.hpp.

#include "../platform/abi.hpp"
#include "callable.hpp"

#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class T>
concept may_be_awaitable = std::is_class_v<std::remove_reference_t<T>> ||
    std::is_union_v<std::remove_reference_t<T>> || std::is_enum_v<std::remove_reference_t<T>>;

template <class T>
concept looks_like_awaiter = requires(std::remove_reference_t<T>& awaiter) {
    static_cast<bool>(awaiter.await_ready());
    awaiter.await_resume();
};

#if defined(__cpp_impl_coroutine) || defined(__cpp_coroutines)
template <class T>
concept has_member_co_await = requires {
    std::declval<T>().operator co_await();
};

template <class T>
concept has_free_co_await = requires {
    operator co_await(std::declval<T>());
};

template <class T>
concept awaitable_result = may_be_awaitable<T> &&
    (has_member_co_await<T> || looks_like_awaiter<T> || has_free_co_await<T>);
#else
template <class T>
concept awaitable_result = may_be_awaitable<T> && looks_like_awaiter<T>;
#endif

/// Whether it is what a coroutine returns that nobody keeps the callable for. For
/// oneway_task.hpp.
template <class T>
inline constexpr bool starts_itself = false;

/// Starts a coroutine that awaits what the closure returns. Declared only:
/// coroutine.hpp defines it.
template <class Closure>
struct coroutine_start;

template <class Closure>
concept can_start_coroutine = requires {
    sizeof(coroutine_start<Closure>);
};

/// Whether fn(args...) can be called again and again. A coroutine takes a copy of them each time.
template <class Fn, class... Args>
consteval bool can_be_repeated() {
    if constexpr (!is_callable<Fn&, Args&...>) {
        return false;
    } else if constexpr (awaitable_result<call_result_t<Fn&, Args&...>>) {
        return is_callable<Fn, Args...> && std::is_copy_constructible_v<Fn> &&
               (std::is_copy_constructible_v<Args> && ...);
    } else {
        return true;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
