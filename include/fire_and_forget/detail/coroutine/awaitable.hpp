// SPDX-License-Identifier: MIT
#pragma once

// The three kinds of awaitables: with a member operator co_await, with a free one, and awaiters
// themselves.

#include "../platform/abi.hpp"
#include "../task/awaitable_result.hpp"

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class T>
inline constexpr bool is_coroutine_handle = false;
template <class Promise>
inline constexpr bool is_coroutine_handle<std::coroutine_handle<Promise>> = true;

template <class T>
concept suspension = std::is_void_v<T> || std::same_as<T, bool> || is_coroutine_handle<T>;

/// What can be asked, as an lvalue, whether it is ready, to be told who waits, and for its result.
template <class T>
concept awaiter = looks_like_awaiter<T> &&
    requires(std::remove_reference_t<T>& one, std::coroutine_handle<> waiting) {
    { one.await_suspend(waiting) } -> suspension;
};

/// The awaiter of an awaitable, by the rules of co_await.
template <class T>
decltype(auto) get_awaiter(T&& awaitable) {
    if constexpr (has_member_co_await<T>) {
        return std::forward<T>(awaitable).operator co_await();
    } else if constexpr (has_free_co_await<T>) {
        return operator co_await(std::forward<T>(awaitable));
    } else {
        return std::forward<T>(awaitable);
    }
}

template <class T>
using awaiter_of = decltype(detail::get_awaiter(std::declval<T>()));

template <class T>
concept awaitable = awaitable_result<T> && awaiter<awaiter_of<T>>;

template <class T>
using await_result_t =
    decltype(std::declval<std::remove_reference_t<awaiter_of<T>>&>().await_resume());

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
