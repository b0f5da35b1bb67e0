// SPDX-License-Identifier: MIT
#pragma once

// Carries a report to the first sink that takes it: the task's, the pool's, the global one,
// standard error. Reached from run_task.hpp when a task fails and from the front door when one is
// refused.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/thread_state.hpp"
#include "describe.hpp"
#include "stderr_sink.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A sink that may be replaced while others call it: whoever calls it keeps it alive. It is a setting
/// of the program, and so its children have it, too.
class sink_slot {
public:
    std::shared_ptr<const error_sink> get() const {
        const settings_lock held;
        return sink_;
    }

    /// Puts `fresh` in the place of `expected`; false if another one has taken that place.
    bool replace(const std::shared_ptr<const error_sink>& expected,
                 std::shared_ptr<const error_sink> fresh) {
        const settings_lock held;
        if (sink_ != expected) {
            return false;
        }
        sink_.swap(fresh); // the old one is destroyed after the lock is given back
        return true;
    }

    /// Lets go of the sink; later reports find none.
    void clear() {
        std::shared_ptr<const error_sink> old;
        const settings_lock held;
        sink_.swap(old);
    }

private:
    std::shared_ptr<const error_sink> sink_;
};

inline sink_slot& global_sink() noexcept {
    static constinit immortal<sink_slot> slot;
    return slot.value;
}

/// Tells the first of the sinks from `next` to `end` that takes the report, else standard error.
/// One that throws is itself reported, to those after it: the row only gets shorter, so this ends.
inline void tell(const error_sink* const* next, const error_sink* const* end,
                 const error_report& report) {
    for (; next != end; ++next) {
        const error_sink* sink = *next;
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
                    tell(next + 1, end, about_sink);
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
    const error_sink* const sinks[] = {of_task, of_pool, global.get()};
    tell(sinks, sinks + 3, what_happened);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
