// SPDX-License-Identifier: MIT
#pragma once

// A fired callable with its arguments, and what can be done with it when its type is forgotten. The
// front door constructs it, in a slot of a lane (block.hpp) or in a node on the heap (task.hpp),
// and says how it is called.

#include "../platform/abi.hpp"

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class task_run;

/// What can be done with a stored closure of one type. Types are told apart by address.
struct task_vtable {
    /// Calls the closure and passes an error it returns to the run. Throws what the closure throws.
    void (*call)(void* closure, task_run& run) = nullptr;

    /// May throw. Null if there is nothing to do.
    void (*destroy)(void* closure) = nullptr;

    std::size_t size = 0;
    std::size_t alignment = 1; ///< a power of two

    /// Where a closure stands behind `bytes` of something else.
    constexpr std::size_t offset_behind(std::size_t bytes) const noexcept {
        return (bytes + alignment - 1) & ~(alignment - 1);
    }
};

/// fn and args as std::jthread would store them.
template <class Fn, class... Args>
class closure {
public:
    template <class... Parts>
    explicit closure(std::in_place_t, Parts&&... parts) noexcept(
        std::is_nothrow_constructible_v<std::tuple<Fn, Args...>, Parts...>)
        : parts_(std::forward<Parts>(parts)...) {}

    /// Calls fn for the only time: all of the closure is passed on as rvalues.
    void call(task_run& run);

    /// Calls fn for one time of many: as lvalues, they are still there the next time.
    void call_again(task_run& run);

private:
    /// Awaits what fn returns: for that, the closure moves to where it lives as long as that.
    template <class>
    friend struct coroutine_start;

    template <class Parts, std::size_t... Number, class... First>
    static decltype(auto) invoke(Parts&& parts, std::index_sequence<Number...>, First&&... first) {
        return std::invoke(std::get<0>(std::forward<Parts>(parts)), std::forward<First>(first)...,
                           std::get<Number + 1>(std::forward<Parts>(parts))...);
    }

    template <bool TakesToken, class Parts>
    static void call_with(Parts&& parts, task_run& run);

    std::tuple<Fn, Args...> parts_;
};

template <class Closure>
constexpr auto destroyer_of() noexcept -> void (*)(void*) {
    if constexpr (std::is_trivially_destructible_v<Closure>) {
        return nullptr;
    } else {
        return [](void* stored) { static_cast<Closure*>(stored)->~Closure(); };
    }
}

template <class Closure>
inline constexpr task_vtable type_of{
    [](void* stored, task_run& run) { static_cast<Closure*>(stored)->call(run); },
    destroyer_of<Closure>(), sizeof(Closure), alignof(Closure)};

/// The same for a task that is called again and again.
template <class Closure>
inline constexpr task_vtable repeated_type_of{
    [](void* stored, task_run& run) { static_cast<Closure*>(stored)->call_again(run); },
    destroyer_of<Closure>(), sizeof(Closure), alignof(Closure)};

/// What there is to know about storing a callable of one type, whatever its arguments.
struct storing_facts {
    const task_vtable* type;

    /// The same for a task that repeats; null if the callable can't be called more than once, and
    /// for calls without options.
    const task_vtable* repeated_type;

    /// Whether it is a null pointer or an empty std::function; null if its type is never empty.
    /// Throws what comparing with null throws.
    bool (*is_empty)(void* fn);

    /// Whether it may be constructed in a slot: there is room, and copying does not throw.
    bool fits_slot;

    /// True if nothing can go wrong: the same, and it is not empty.
    bool is_quick;

    /// Whether what it returns is to be awaited.
    bool is_awaited;

    /// Whether no code of the callable and the arguments runs when they are copied or destroyed.
    bool is_plain;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
