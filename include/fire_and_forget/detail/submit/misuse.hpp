// SPDX-License-Identifier: MIT
#pragma once

// What is wrong with a call that can't be compiled, or should not be. located.hpp says it in a
// sentence.

#include "../../options.hpp"
#include "../../time_span.hpp"
#include "../platform/abi.hpp"
#include "../task/awaitable_result.hpp"
#include "../task/callable.hpp"
#include "job.hpp"

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

enum class misuse : std::uint8_t {
    none,
    fn_not_copyable,
    argument_not_copyable,
    argument_by_reference,
    argument_is_array,
    executor_by_address,
    executor_without_key,
    executor_const,
    executor_not_first,
    options_not_first,
    called_already,
    option_without_braces,
    member_takes_stop_token,
    not_callable,
};

/// A pointer to a member that could be called if it was given a stop_token behind its object.
template <class Fn, class... Args>
inline constexpr bool member_wants_stop_token = false;
template <class Fn, class Object, class... Args>
requires std::is_member_function_pointer_v<Fn>
inline constexpr bool member_wants_stop_token<Fn, Object, Args...> =
    std::is_invocable_v<Fn, Object, stop_token, Args...>;

/// An array that is not const, so no literal: its elements are a variable's, which the pointer that
/// would be stored does not keep.
template <class T>
concept array_of_variables =
    std::is_array_v<std::remove_reference_t<T>> && !std::is_const_v<std::remove_reference_t<T>>;

template <class T>
concept holds_options = std::derived_from<std::remove_cvref_t<T>, options>;

template <class T>
concept points_to_executor = !executor<T> && requires(T && pointer) {
    requires executor<decltype(*pointer)>;
};

/// No executor, but `it[key]` is one.
template <class T>
concept made_of_keyed_executors = !executor<T> && requires {
    typename std::remove_cvref_t<T>::keyed;
    requires executor<typename std::remove_cvref_t<T>::keyed>;
};

template <class T>
concept const_executor = !executor<T> && executor<std::remove_cvref_t<T>&>;

/// A name, a time or a priority: what options hold, and nobody calls.
template <class T>
concept meant_as_option = std::is_enum_v<std::remove_cvref_t<T>> ||
    some_duration<std::remove_cvref_t<T>> || std::is_convertible_v<T, std::string_view>;

// Whether the arguments of a call have no callable where it should stand: after the executor and
// the options, which both may be left out.
template <class... Args>
inline constexpr bool begins_with_neither = false;
template <class First, class... Rest>
inline constexpr bool begins_with_neither<First, Rest...> =
    !executor<First> && !holds_options<First>;

template <class... Args>
inline constexpr bool lacks_callable_after_executor = !begins_with_neither<Args...>;
template <holds_options First, class... Rest>
inline constexpr bool lacks_callable_after_executor<First, Rest...> = !begins_with_neither<Rest...>;

template <class... Args>
inline constexpr bool lacks_callable = lacks_callable_after_executor<Args...>;
template <executor First, class... Rest>
inline constexpr bool lacks_callable<First, Rest...> = lacks_callable_after_executor<Rest...>;

/// The first thing that is wrong with firing `fn(args...)`; the types are those of the call, with
/// lvalues as references.
template <class Fn, class... Args>
consteval misuse find_misuse() {
    using stored = std::decay_t<Fn>;
    constexpr bool is_fn_stored = std::is_constructible_v<stored, Fn>;
    constexpr bool are_args_stored = (std::is_constructible_v<std::decay_t<Args>, Args> && ...);
    if constexpr ((array_of_variables<Args> || ...)) {
        return misuse::argument_is_array;
    } else if constexpr (is_fn_stored && are_args_stored &&
                         is_callable<stored, std::decay_t<Args>...>) {
        return misuse::none;
    } else if constexpr (points_to_executor<Fn>) {
        return misuse::executor_by_address;
    } else if constexpr (made_of_keyed_executors<Fn>) {
        return misuse::executor_without_key;
    } else if constexpr (const_executor<Fn>) {
        return misuse::executor_const;
    } else if constexpr ((executor<Args> || ...)) {
        return misuse::executor_not_first;
    } else if constexpr ((holds_options<Args> || ...)) {
        return misuse::options_not_first;
    } else if constexpr (awaitable_result<stored>) {
        return misuse::called_already;
    } else if constexpr (meant_as_option<Fn>) {
        return misuse::option_without_braces;
    } else if constexpr (!is_fn_stored) {
        return misuse::fn_not_copyable;
    } else if constexpr (!are_args_stored) {
        return misuse::argument_not_copyable;
    } else if constexpr (is_callable<stored, std::decay_t<Args>&...>) {
        return misuse::argument_by_reference;
    } else if constexpr (member_wants_stop_token<stored, std::decay_t<Args>...>) {
        return misuse::member_takes_stop_token;
    } else {
        return misuse::not_callable;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
