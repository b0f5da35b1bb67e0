// SPDX-License-Identifier: MIT
#pragma once

// What can be called, and how. located.hpp and call.hpp ask here; misuse.hpp says what is wrong
// with the rest.

#include "../platform/abi.hpp"
#include "../platform/stop_token.hpp"

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class Fn>
concept has_one_call = requires {
    &Fn::operator();
};

struct one_call {
    void operator()();
};
template <class Fn>
struct one_call_more : Fn, one_call {}; // it has one if Fn has none

/// A class with several call operators, or with a template of them, as a generic lambda has it.
template <class Fn>
concept has_many_calls = std::is_class_v<Fn> && !std::is_final_v<Fn> && !has_one_call<Fn> &&
                         !has_one_call<one_call_more<Fn>>;

/// Fn with one more call operator. A template, it is chosen over one of Fn's that would take
/// anything for its first argument, but not over one that names a stop_token; and the body of what
/// is not chosen need not compile.
struct takes_anything {};
template <class Fn, class... Args>
struct rival_of_const : Fn {
    using Fn::operator();
    template <std::same_as<stop_token> Token>
    takes_anything operator()(Token, Args...) const;
};
template <class Fn, class... Args>
struct rival_of_mutable : Fn {
    using Fn::operator();
    template <std::same_as<stop_token> Token>
    takes_anything operator()(Token, Args...);
};

template <class Rival, class... Args>
concept wins = requires {
    {
        std::declval<Rival>()(std::declval<stop_token>(), std::declval<Args>()...)
        } -> std::same_as<takes_anything>;
};

template <class Fn, class... Args>
consteval bool find_stop_token() {
    using plain = std::remove_cvref_t<Fn>;
    constexpr bool may_be_generic = has_many_calls<plain> && std::is_invocable_v<Fn, Args...>;
    if constexpr (!may_be_generic) {
        return std::is_invocable_v<Fn, stop_token, Args...>;
    } else {
        return !wins<const rival_of_const<plain, Args...>, Args...> ||
               !wins<rival_of_mutable<plain, Args...>, Args...>;
    }
}

/// True if the stored fn is called with a stop_token before its arguments: if that is possible, by
/// std::jthread's rule. But where fn can be called without it, and would take anything in its
/// place, as `[](auto... args)` does, nobody has asked for it.
template <class Fn, class... Args>
inline constexpr bool takes_stop_token = detail::find_stop_token<Fn, Args...>();

template <class Fn, class... Args>
inline constexpr bool is_callable =
    std::is_invocable_v<Fn, Args...> || takes_stop_token<Fn, Args...>;

/// What the stored fn returns.
template <class Fn, class... Args>
using call_result_t = typename std::conditional_t<takes_stop_token<Fn, Args...>,
                                                  std::invoke_result<Fn, stop_token, Args...>,
                                                  std::invoke_result<Fn, Args...>>::type;

/// Whether a stored Fn is for somebody who may be gone when it is to be called. For weak.hpp.
template <class Fn>
inline constexpr bool has_owner = false;

/// Types that compare with nullptr: pointers to functions and members, std::function and its kin.
template <class Fn>
concept like_a_pointer = std::is_constructible_v<Fn, std::nullptr_t> && requires(const Fn& fn) {
    { fn == nullptr } -> std::convertible_to<bool>;
};

/// One for an owner, which asks what it has.
template <class Fn>
concept says_if_empty = has_owner<Fn> && requires(const Fn& fn) {
    fn.is_empty();
};

/// Types that can hold no callable.
template <class Fn>
concept nullable = like_a_pointer<Fn> || says_if_empty<Fn>;

template <class Fn>
constexpr bool is_empty(const Fn& fn) {
    if constexpr (like_a_pointer<Fn>) {
        return fn == nullptr;
    } else if constexpr (says_if_empty<Fn>) {
        return fn.is_empty();
    } else {
        return false;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
