// SPDX-License-Identifier: MIT
#pragma once

// Who hears of each task of a pool when it is fired, begins and ends: for traces, measurements, and
// what is to go along from the thread that fires to the one that runs. trace.hpp and
// latency_histograms.hpp are two that come with the library.

#include "call_site.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/durations.hpp"

#include <cstdint>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// A task, as a task_observer hears of it. The view is valid during the call.
struct observed_task {
    std::string_view name; ///< options::name, empty if it has none
    call_site where;       ///< the fire_and_forget call
    /// When it could start: the call, or for a delayed task or one that repeats its time.
    std::chrono::steady_clock::time_point due;
};

/// What became of a run.
enum class run_result : std::uint8_t {
    succeeded,
    failed,
    suspended, ///< a coroutine that goes on later
};

/// Hears of the tasks of a pool, those included that come by way of a task_scope, a serial_executor
/// or a conflating_executor: pool_options::observer.
///
///     /// Takes the number of the request that a thread works for along to what it fires.
///     class request_context final : public faf::task_observer {
///         void* fired(const faf::observed_task&) override { return new long(request); }
///         void begin(const faf::observed_task&, void* its) override {
///             before = std::exchange(request, *static_cast<long*>(its));
///         }
///         void end(const faf::observed_task&, void*, faf::run_result) override {
///             request = before;
///         }
///         void gone(void* its) override { delete static_cast<long*>(its); }
///     };
///
/// Order: fired(), then for each run begin() and end() on the thread that runs it, then gone(). A
/// task that is refused or dropped has no runs. A coroutine has one for each stretch between two
/// suspensions, one that repeats for each time.
/// Throws: they may. What they throw is reported as failure::hook_failed, and the task goes on;
/// where fired() has thrown, nothing more is heard of it.
/// Thread safety: they are called by many threads at once.
/// Cost: a pool without an observer pays nothing. With one, each task is kept on the heap, with two
/// allocations and a look at the clock.
class task_observer {
public:
    /// After the pools that it observes.
    virtual ~task_observer() = default;

    /// The task is being fired, by this thread. What it returns is the task's context, which the
    /// others get.
    virtual void* fired(const observed_task&) { return nullptr; }

    /// It begins or goes on, on this thread.
    virtual void begin(const observed_task&, void* /*context*/) {}

    /// It has ended or is suspended, on the thread that it began on; its closure may still be
    /// there.
    virtual void end(const observed_task&, void* /*context*/, run_result) {}

    /// The context is not needed any more.
    virtual void gone(void* /*context*/) {}

protected:
    task_observer() = default;
    /// For derived classes: there is nothing to copy.
    task_observer(const task_observer&) = default;
    /// For derived classes: there is nothing to copy.
    task_observer& operator=(const task_observer&) = default;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI
