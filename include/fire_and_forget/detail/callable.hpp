// SPDX-License-Identifier: MIT
#pragma once

// What can be fired, and what to say about what can't. fire_and_forget.hpp asks here before it
// stores a callable.

#include "abi.hpp"
#include "platform.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// True if the stored fn is called with a stop_token before its arguments, by std::jthread's rule.
template <class Fn, class... Args>
inline constexpr bool takes_stop_token = std::is_invocable_v<Fn, stop_token, Args...>;

template <class Fn, class... Args>
inline constexpr bool is_callable =
    takes_stop_token<Fn, Args...> || std::is_invocable_v<Fn, Args...>;

/// What the stored fn returns.
template <class Fn, class... Args>
using call_result_t = typename std::conditional_t<takes_stop_token<Fn, Args...>,
                                                  std::invoke_result<Fn, stop_token, Args...>,
                                                  std::invoke_result<Fn, Args...>>::type;

enum class misuse : std::uint8_t {
    none,
    fn_not_copyable,
    argument_not_copyable,
    argument_by_reference,
    not_callable,
};

/// The first thing that is wrong with firing `fn(args...)`; the types are those of the call, with
/// lvalues as references.
template <class Fn, class... Args>
consteval misuse find_misuse() {
    using stored = std::decay_t<Fn>;
    if constexpr (!std::is_constructible_v<stored, Fn>) {
        return misuse::fn_not_copyable;
    } else if constexpr (!(std::is_constructible_v<std::decay_t<Args>, Args> && ...)) {
        return misuse::argument_not_copyable;
    } else if constexpr (is_callable<stored, std::decay_t<Args>...>) {
        return misuse::none;
    } else if constexpr (is_callable<stored, std::decay_t<Args>&...>) {
        return misuse::argument_by_reference;
    } else {
        return misuse::not_callable;
    }
}

/// Types that can hold no callable: pointers to functions and members, std::function and its kin.
template <class Fn>
concept nullable = std::is_constructible_v<Fn, std::nullptr_t> && requires(const Fn& fn) {
    { fn == nullptr } -> std::convertible_to<bool>;
};

template <class Fn>
constexpr bool is_empty(const Fn& fn) {
    if constexpr (nullable<Fn>) {
        return fn == nullptr;
    } else {
        return false;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
