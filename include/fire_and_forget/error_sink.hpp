// SPDX-License-Identifier: MIT
#pragma once

// Who hears of failures. error_report.hpp says what a report holds, detail/errors/report.hpp
// carries it.

#include "detail/errors/report.hpp"
#include "detail/errors/sink_slot.hpp"
#include "detail/errors/stderr_sink.hpp"
#include "detail/platform/abi.hpp"
#include "error_report.hpp"

#include <memory>
#include <string>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// The report as one line of text: task, place, what happened and why, with control characters
/// escaped. For sinks that write to a log of their own:
///
///     faf::set_error_sink([](const faf::error_report& report) {
///         my_log.error(faf::to_string(report));
///     });
///
/// Throws: std::bad_alloc. Cost: one allocation. A text longer than a report's line is cut.
inline std::string to_string(const error_report& report) {
    detail::report_line line;
    detail::append_report(line, report);
    return std::string(line.view());
}

/// Makes `sink` the one that hears every report that no task's and no pool's own sink takes, and
/// returns the one before. An empty sink brings back the default: one line on standard error.
///
///     auto before = faf::set_error_sink([](const faf::error_report& report) { count(report); });
///
/// sink: see error_sink for how it is called.
/// Throws: std::bad_alloc, and what copying the previous sink throws; then nothing has changed.
/// Thread safety: may be called at any time by any thread, by a sink too. The previous sink may
/// still be running on other threads when this returns.
/// Lifetime: what the sink refers to must live until it is replaced, or until the program's exit
/// has abandoned the last task; after that, reports go to standard error.
inline error_sink set_error_sink(error_sink sink) {
    auto fresh = sink ? std::make_unique<detail::kept_sink>(detail::kept_sink{{}, std::move(sink)})
                      : nullptr;
    // The previous sink is copied before it is replaced: if that throws, nothing has changed.
    // Another thread may replace it in between; then try again with that one.
    for (;;) {
        const detail::sink_slot::use previous(detail::global_sink());
        error_sink copy = previous.sink() != nullptr ? *previous.sink() : error_sink();
        if (detail::global_sink().replace(previous, fresh)) {
            return copy;
        }
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
