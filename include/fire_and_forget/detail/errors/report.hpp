// SPDX-License-Identifier: MIT
#pragma once

// Carries a report to the first sink that takes it: the task's, the pool's, the global one,
// standard error. Reached from task_run.hpp when a task fails and from the front door when one is
// refused.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "describe.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A sink that may be replaced while others call it: whoever calls it keeps it alive. It is a
/// setting of the program, and so its children have it, too.
class sink_slot {
public:
    std::shared_ptr<const error_sink> get() const;

    /// Puts `fresh` in the place of `expected`; false if another one has taken that place.
    bool replace(const std::shared_ptr<const error_sink>& expected,
                 std::shared_ptr<const error_sink> fresh);

    /// Lets go of the sink; later reports find none.
    void clear();

private:
    std::shared_ptr<const error_sink> sink_;
};

inline constinit immortal<sink_slot> slot_of_global_sink;
sink_slot& global_sink() noexcept;

/// Tells the first of the sinks from `next` to `end` and the global one that takes the report, else
/// standard error.
/// One that throws is itself reported, to those after it: the row only gets shorter, so this ends.
void tell(const error_sink* const* next, const error_sink* const* end, const error_report& report);

/// Reports to the task's own sink, the pool's, the global one and standard error, in this order;
/// the first two may be null. What a sink itself gives cause to report while it runs goes straight
/// to standard error: a sink that fails can't call itself again. No lock is held while a sink runs.
void report(const error_report& what_happened, const error_sink* of_task,
            const error_sink* of_pool);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
