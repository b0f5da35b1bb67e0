// SPDX-License-Identifier: MIT
#pragma once

// A fired callable as it waits for a thread. The front door constructs the closure, in a slot of a
// lane (lane.hpp) or in a node on the heap; run_task.hpp calls and destroys it.

#include "../call_site.hpp"
#include "../error_report.hpp"
#include "../options.hpp"
#include "callable.hpp"
#include "platform.hpp"
#include "time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace faf::detail {

class task_run;

/// What can be done with a stored closure of one type. Types are told apart by address.
struct task_type {
    /// Calls the closure and passes an error it returns to the run. Throws what the closure throws.
    void (*call)(void* closure, task_run& run) = nullptr;

    /// May throw. Null if there is nothing to do.
    void (*destroy)(void* closure) = nullptr;

    std::size_t size = 0;
    std::size_t alignment = 1;
};

/// fn and args as std::jthread would store them.
template <class Fn, class... Args>
class closure {
public:
    template <class... Parts>
    explicit closure(std::in_place_t, Parts&&... parts) noexcept(
        std::is_nothrow_constructible_v<std::tuple<Fn, Args...>, Parts...>)
        : parts_(std::forward<Parts>(parts)...) {}

    void call(task_run& run);

private:
    /// Awaits what fn returns: for that, the closure moves to where it lives as long as that.
    template <class>
    friend struct coroutine_start;

    void call_and_look(task_run& run);

    /// fn(first..., args...), all of the closure as rvalues.
    template <std::size_t... I, class... First>
    decltype(auto) invoke(std::index_sequence<I...>, First&&... first) {
        return std::invoke(std::get<0>(std::move(parts_)), std::forward<First>(first)...,
                           std::get<I + 1>(std::move(parts_))...);
    }

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
inline constexpr task_type type_of{
    [](void* stored, task_run& run) { static_cast<Closure*>(stored)->call(run); },
    destroyer_of<Closure>(), sizeof(Closure), alignof(Closure)};

/// What only tasks fired with options carry.
struct task_details {
    stop_token stop;
    error_sink on_error;
    steady_time fired;
};

/// A task on the heap: one with options, one that is too large for a slot, or one on its way to an
/// executor without lanes. The closure stands behind it in the same piece of memory.
class task_node {
public:
    /// One without a closure yet, for a closure of `type`; null without memory.
    static task_node* allocate(const task_type& type, const call_site& where) noexcept {
        void* const memory = ::operator new(offset(type) + type.size,
                                            std::align_val_t(alignment(type)), std::nothrow);
        return memory != nullptr ? ::new (memory) task_node(type, where) : nullptr;
    }

    /// Gives the memory back. The closure must have been destroyed.
    static void deallocate(task_node* node) noexcept {
        const std::align_val_t aligned{alignment(*node->type)};
        delete node->details;
        node->~task_node();
        ::operator delete(static_cast<void*>(node), aligned);
    }

    task_node(const task_node&) = delete;
    task_node& operator=(const task_node&) = delete;

    void* closure() noexcept { return reinterpret_cast<std::byte*>(this) + offset(*type); }

    const task_type* const type;
    call_site where;
    const char* name = nullptr;
    faf::priority priority = faf::priority::normal;
    task_details* details = nullptr; ///< owned
    std::uint64_t hand_over = 0;     ///< its number, if it went to an executor of somebody else's

private:
    task_node(const task_type& of, const call_site& place) noexcept : type(&of), where(place) {}
    ~task_node() = default;

    static constexpr std::size_t alignment(const task_type& type) noexcept {
        return type.alignment < alignof(task_node) ? alignof(task_node) : type.alignment;
    }
    static constexpr std::size_t offset(const task_type& type) noexcept {
        return (sizeof(task_node) + type.alignment - 1) / type.alignment * type.alignment;
    }
};

/// Gives memory back, and nothing else: for nodes whose closure is not there or has been destroyed.
struct node_deallocator {
    void operator()(task_node* node) const noexcept { task_node::deallocate(node); }
};
using node_memory = std::unique_ptr<task_node, node_deallocator>;

/// Destroys a task that did not run or whose fate is settled; what its closure throws is reported.
struct task_discarder {
    void operator()(task_node* task) const;
};
using task_ptr = std::unique_ptr<task_node, task_discarder>;

/// Copies what `given` says about the task. Throws what copying the sink throws; false if there is
/// no memory for the details.
inline bool add_options(task_node& task, const options* given) {
    if (given == nullptr) {
        return true;
    }
    task.name = given->name;
    task.priority = given->priority;
    task.details =
        new (std::nothrow) task_details{given->stop, given->on_error, steady_clock::now()};
    return task.details != nullptr;
}

} // namespace faf::detail
