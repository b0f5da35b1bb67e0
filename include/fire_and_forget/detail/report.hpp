// SPDX-License-Identifier: MIT
#pragma once

// Carries a report to the first sink that takes it: the task's, the pool's, the global one,
// standard error. Reached from run_task.hpp when a task fails and from the front door when one is
// refused.

#include "../error_sink.hpp"
#include "describe.hpp"
#include "platform.hpp"
#include "stderr_sink.hpp"
#include "thread_state.hpp"

#include <array>
#include <memory>
#include <span>
#include <utility>

namespace faf {

inline std::string to_string(const error_report& report) {
    detail::report_line line;
    detail::append_report(line, report);
    return std::string(line.view());
}

inline error_sink set_error_sink(error_sink sink) {
    auto fresh = sink ? std::make_shared<const error_sink>(std::move(sink)) : nullptr;
    detail::sink_slot& slot = detail::global_sink();
    // The previous sink is copied before it is replaced: if that throws, nothing has changed.
    // Another thread may replace it in between; then try again with that one.
    for (;;) {
        const auto previous = slot.get();
        error_sink copy = previous ? *previous : error_sink();
        if (slot.replace(previous, fresh)) {
            return copy;
        }
    }
}

namespace detail {

inline sink_slot& global_sink() noexcept {
    static never_destroyed<sink_slot> slot;
    return *slot;
}

/// Tells the first of `sinks` that takes the report, else standard error. A sink that throws is
/// itself reported, to those after it: the list only gets shorter, so this ends.
inline void tell(std::span<const error_sink* const> sinks, const error_report& report) {
    while (!sinks.empty()) {
        const error_sink* sink = sinks.front();
        sinks = sinks.subspan(1);
        if (sink == nullptr || !*sink) {
            continue;
        }
        bool taken = true;
        attempt([&] { (*sink)(report); },
                [&] {
                    taken = false;
                    const exception_description thrown;
                    error_report about_sink = report;
                    about_sink.kind = failure::sink_failed;
                    about_sink.exception = thrown.exception();
                    about_sink.type = thrown.type();
                    about_sink.what = thrown.what();
                    about_sink.suppressed = 0;
                    tell(sinks, about_sink);
                });
        if (taken) {
            return;
        }
    }
    default_sink().write(report);
}

/// Reports to the task's own sink, the pool's, the global one and standard error, in this order;
/// the first two may be null. What a sink itself gives cause to report while it runs goes straight
/// to standard error: a sink that fails can't call itself again. No lock is held while a sink runs.
inline void report(const error_report& what_happened, const error_sink* of_task,
                   const error_sink* of_pool) {
    const cancellation_deferred whole;
    if (this_thread.in_sink) {
        default_sink().write(what_happened);
        return;
    }
    const sink_scope scope;
    const std::shared_ptr<const error_sink> global = global_sink().get();
    const std::array<const error_sink*, 3> sinks{of_task, of_pool, global.get()};
    tell(sinks, what_happened);
}

} // namespace detail
} // namespace faf
