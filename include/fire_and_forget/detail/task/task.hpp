// SPDX-License-Identifier: MIT
#pragma once

// A fired callable as it waits for a thread. The front door constructs the closure, in a slot of a
// lane (lane.hpp) or in a node on the heap; run_task.hpp calls and destroys it.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/time.hpp"
#include "asked_list.hpp"
#include "callable.hpp"
#include "scheduler.hpp"
#include "timer_heap.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

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
inline constexpr task_type type_of{
    [](void* stored, task_run& run) { static_cast<Closure*>(stored)->call(run); },
    destroyer_of<Closure>(), sizeof(Closure), alignof(Closure)};

/// The same for a task that is called again and again.
template <class Closure>
inline constexpr task_type repeated_type_of{
    [](void* stored, task_run& run) { static_cast<Closure*>(stored)->call_again(run); },
    destroyer_of<Closure>(), sizeof(Closure), alignof(Closure)};

#if defined(__cpp_lib_jthread)

/// While it lives, tells an executor when the token of something that waits there is asked to stop.
class stop_watch final : public watched {
public:
    stop_watch(const stop_token& of, scheduler& tell, timed& waiting)
        : watched(waiting), tell_(tell), on_stop_(of, teller{this}) {}

private:
    struct teller {
        stop_watch* of;
        void operator()() const noexcept { of->tell_.notice_stop_of(*of); }
    };
    scheduler& tell_;
    std::stop_callback<teller> on_stop_;
};

#else

struct stop_watch final : watched {
    stop_watch(const stop_token&, scheduler&, timed& waiting) noexcept : watched(waiting) {}
};

#endif

/// What a task carries only if its options say so.
struct task_details {
    stop_token stop;
    error_sink on_error;
    std::chrono::nanoseconds every{0};
    std::chrono::nanoseconds expires{0};
    stop_watch* watch = nullptr; ///< owned; for one that waits for its time

    ~task_details() { delete watch; }
};

/// A task on the heap: one with options, one that is too large for a slot or whose copy may throw, or
/// one on its way to an executor without lanes. The closure stands behind it in the same piece of memory.
class task_node : public timed {
public:
    /// One without a closure yet, for a closure of `type`; null without memory.
    static task_node* allocate(const task_type& type, const call_site& where) noexcept;

    /// Gives the memory back. The closure must have been destroyed.
    static void deallocate(task_node* node) noexcept;

    task_node(const task_node&) = delete;
    task_node& operator=(const task_node&) = delete;

    void* closure() noexcept { return reinterpret_cast<std::byte*>(this) + offset(*type); }

    /// From now on it waits: for its time, or for a worker. It does so once, whichever executors it
    /// comes to.
    void begin_waiting(steady_time now) noexcept;

    /// Before it goes to another executor, which is then told of a stop.
    void end_watch() noexcept;

    /// Sets the time of the next run; returns how many had to be left out.
    std::uint64_t advance(steady_time now) noexcept;

    bool repeats() const noexcept;

    const task_type* const type;
    call_site where;
    const char* name = nullptr;
    task_details* details = nullptr; ///< owned

private:
    task_node(const task_type& of, const call_site& place) noexcept : type(&of), where(place) {}
    ~task_node() = default;

    static bool is_usual(const task_type& type) noexcept;
    static std::align_val_t alignment(const task_type& type) noexcept;
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

/// Copies what `given` says about the task. Throws what copying the sink throws; false if there is
/// no memory for the details.
bool add_options(task_node& task, const options* given);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
