// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/thread_state.hpp"
#include "describe.hpp"
#include "report.hpp"
#include "stderr_sink.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::shared_ptr<const error_sink> sink_slot::get() const {
    const settings_lock held;
    return sink_;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool
sink_slot::replace(const std::shared_ptr<const error_sink>& expected,
                   std::shared_ptr<const error_sink> fresh) {
    const settings_lock held;
    if (sink_ != expected) {
        return false;
    }
    sink_.swap(fresh); // the old one is destroyed after the lock is given back
    return true;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_slot::clear() {
    std::shared_ptr<const error_sink> old;
    const settings_lock held;
    sink_.swap(old);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE sink_slot& global_sink() noexcept {
    return slot_of_global_sink.value;
}

/// Whether `sink` takes the report: it may be null. One that throws does not, and that is passed to
/// `on_failure`.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool
is_taken_by(const error_sink* sink, const error_report& report,
            function_ref<void(const error_report&)> on_failure) {
    if (sink == nullptr || !*sink ||
        (report.kind == failure::cancelled && !sink->hears_cancelled())) {
        return false;
    }
    bool taken = true;
    attempt([&] { (*sink)(report); },
            [&] {
                taken = false;
                const exception_description thrown;
                error_report about_sink = report;
                about_sink.kind = failure::sink_failed;
                thrown.add_to(about_sink);
                about_sink.suppressed = 0;
                on_failure(about_sink);
            });
    return taken;
}

/// The global sink is not fetched before it is asked: that takes a lock, and counts a reference.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
tell(const error_sink* const* next, const error_sink* const* end, const error_report& report) {
    for (; next != end; ++next) {
        if (is_taken_by(*next, report,
                        [&](const error_report& about_sink) { tell(next + 1, end, about_sink); })) {
            return;
        }
    }
    const std::shared_ptr<const error_sink> global = global_sink().get();
    if (!is_taken_by(global.get(), report,
                     [](const error_report& about_sink) { default_sink().write(about_sink); })) {
        default_sink().write(report);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
report(const error_report& what_happened, const error_sink* of_task, const error_sink* of_pool) {
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
