// SPDX-License-Identifier: MIT
#pragma once

// A fired callable as it waits for a thread: the closure and what reports need to know about it.
// Made by the front door, run and destroyed by run_task.hpp only.

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

/// What only tasks fired with options carry.
struct task_details {
    stop_token stop;
    error_sink on_error;
    steady_time fired;
};

/// The part of a task that does not depend on its callable.
class task_base {
public:
    explicit task_base(const call_site& place) noexcept : where(place) {}
    virtual ~task_base() noexcept(false) { delete details; } // a closure's destructor may throw
    task_base(const task_base&) = delete;
    task_base& operator=(const task_base&) = delete;

    /// Calls the closure and passes an error it returns to `run`. Throws what the closure throws.
    virtual void call(task_run& run) = 0;

    call_site where;
    const char* name = nullptr;
    faf::priority priority = faf::priority::normal;
    task_details* details = nullptr; ///< owned
    std::uint64_t hand_over = 0;     ///< its number, if it went to an executor of somebody else's
    task_base* next = nullptr;       ///< the queue's link
};

/// Destroys a task that did not run or whose fate is settled; what its closure throws is reported.
struct task_discarder {
    void operator()(task_base* task) const;
};
using task_ptr = std::unique_ptr<task_base, task_discarder>;

/// The closure in place: fn and args as std::jthread would store them.
template <class Fn, class... Args>
class stored_task final : public task_base {
public:
    template <class... Parts>
    explicit stored_task(const call_site& place, Parts&&... parts)
        : task_base(place), parts_(std::forward<Parts>(parts)...) {}

    void call(task_run& run) override;

private:
    /// fn(first..., args...), all of the closure as rvalues.
    template <std::size_t... I, class... First>
    decltype(auto) invoke(std::index_sequence<I...>, First&&... first) {
        return std::invoke(std::get<0>(std::move(parts_)), std::forward<First>(first)...,
                           std::get<I + 1>(std::move(parts_))...);
    }

    std::tuple<Fn, Args...> parts_;
};

/// Copies what `given` says about `task`. Throws what copying the sink throws; without memory for
/// the details it gives the task up.
inline void add_options(task_ptr& task, const options* given) {
    if (!task || given == nullptr) {
        return;
    }
    task->name = given->name;
    task->priority = given->priority;
    task->details =
        new (std::nothrow) task_details{given->stop, given->on_error, steady_clock::now()};
    if (task->details == nullptr) {
        task.reset();
    }
}

} // namespace faf::detail
