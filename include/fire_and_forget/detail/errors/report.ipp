// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.ipp"
#include "../platform/function_ref.hpp"
#include "../platform/platform.hpp"
#include "../platform/thread_state.hpp"
#include "describe.hpp"
#include "report.hpp"
#include "sink_slot.hpp"
#include "stderr_sink.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Inside a handler: that the sink threw which `report` was told to.
[[gnu::cold, gnu::noinline]] FIRE_AND_FORGET_ENGINE void
tell_of_sink(const error_report& report, function_ref<void(const error_report&)> on_failure) {
    const exception_description thrown;
    error_report about_sink = report;
    about_sink.kind = failure::sink_failed;
    thrown.add_to(about_sink);
    about_sink.suppressed = 0;
    on_failure(about_sink);
}

/// Whether `sink` takes the report: it may be null. One that throws does not, and that is passed to
/// `on_failure`.
FIRE_AND_FORGET_ENGINE bool is_taken_by(const error_sink* sink, const error_report& report,
                                        function_ref<void(const error_report&)> on_failure) {
    if (sink == nullptr || !*sink ||
        (report.kind == failure::cancelled && !sink->hears_cancelled())) {
        return false;
    }
    return attempt_here([&] { (*sink)(report); }, [&] { tell_of_sink(report, on_failure); });
}

/// The global sink is not fetched before it is asked: that has a price.
FIRE_AND_FORGET_ENGINE void tell(const error_sink* const* next, const error_sink* const* end,
                                 const error_report& report) {
    for (; next != end; ++next) {
        if (is_taken_by(*next, report,
                        [&](const error_report& about_sink) { tell(next + 1, end, about_sink); })) {
            return;
        }
    }
    const sink_slot::use global(global_sink());
    if (!is_taken_by(global.sink(), report,
                     [](const error_report& about_sink) { default_sink().write(about_sink); })) {
        default_sink().write(report);
    }
}

FIRE_AND_FORGET_ENGINE void report(const error_report& what_happened, const error_sink* of_task,
                                   const error_sink* of_pool) {
    const cancellation_deferred whole;
    if (this_thread.in_sink) {
        default_sink().write(what_happened);
        return;
    }
    const sink_scope scope;
    const error_sink* const sinks[] = {of_task, of_pool};
    tell(sinks, sinks + 2, what_happened);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
