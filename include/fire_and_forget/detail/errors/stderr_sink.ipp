// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/time.hpp"
#include "bounded_text.hpp"
#include "describe.hpp"
#include "rate_limiter.hpp"
#include "stderr_sink.hpp"

#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void append_place(text_writer& line, const call_site& where) {
    if (where.line() == 0) {
        return;
    }
    line.append(" (");
    line.append_escaped(base_name(where.file_name()));
    line.append(":");
    line.append_number(where.line());
    if (const std::string_view function = plain_function(where.function_name());
        !function.empty()) {
        line.append(" in ");
        line.append_escaped(function);
    }
    line.append(")");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void append_task(text_writer& line, std::string_view name,
                                                      const call_site& where) {
    line.append("task");
    if (!name.empty()) {
        line.append(" ");
        line.append_quoted(name, 128);
    }
    append_place(line, where);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void append_report(report_line& line,
                                                        const error_report& report) {
    append_task(line, report.task, report.where);
    line.append(" ");
    line.append(to_string(report.kind));
    if (!report.type.empty()) {
        line.append(": ");
        line.append_escaped_beginning(report.type, 256);
    }
    if (!report.what.empty()) {
        line.append(": ");
        line.append_escaped(report.what);
    }
    if (report.suppressed > 0) {
        line.append(" (and ");
        line.append_number(static_cast<long long>(report.suppressed));
        line.append(" more)");
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void append_time(report_line& line, const wall_time& now) {
    line.append_number(now.utc.tm_year + 1900, 4);
    line.append("-");
    line.append_number(now.utc.tm_mon + 1, 2);
    line.append("-");
    line.append_number(now.utc.tm_mday, 2);
    line.append("T");
    line.append_number(now.utc.tm_hour, 2);
    line.append(":");
    line.append_number(now.utc.tm_min, 2);
    line.append(":");
    line.append_number(now.utc.tm_sec, 2);
    line.append(".");
    line.append_number(now.milliseconds, 3);
    line.append("Z");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void stderr_sink::write(const error_report& report) {
    if (report.kind == failure::cancelled) {
        return;
    }
    rate_limiter::verdict verdict;
    bool wants_flush = false;
    {
        const library_lock lock(mutex_);
        verdict = limiter_.admit(report, rate_limiter::clock::now());
        wants_flush = !verdict.admitted && is_exiting_ && !std::exchange(will_flush_, true);
    }
    write_unseen(verdict.evicted);
    if (wants_flush) {
        static_cast<void>(call_at_exit<&flush_again>());
    }
    if (!verdict.admitted) {
        return;
    }
    report_line line;
    open_line(line);
    append_report(line, report);
    if (verdict.suppressed > 0) {
        line.append(" (");
        line.append_number(static_cast<long long>(verdict.suppressed));
        line.append(" reports from here were suppressed)");
    }
    close_line(line);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void stderr_sink::flush_for_exit() {
    {
        const library_lock lock(mutex_);
        is_exiting_ = true;
        will_flush_ = false;
    }
    flush();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void stderr_sink::flush() {
    for (;;) {
        rate_limiter::unseen place;
        {
            const library_lock lock(mutex_);
            place = limiter_.take_unseen();
        }
        if (place.count == 0) {
            return;
        }
        write_unseen(place);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void stderr_sink::open_line(report_line& line) {
    line.append("[fire_and_forget] ");
    append_time(line, wall_time::now());
    line.append(" ");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void stderr_sink::close_line(report_line& line) {
    bounded_text<2 * text_limit + 1> whole;
    whole.append(line.view());
    whole.append("\n");
    write_stderr(whole.view().data(), whole.view().size());
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
stderr_sink::write_unseen(const rate_limiter::unseen& place) {
    if (place.count == 0) {
        return;
    }
    report_line line;
    open_line(line);
    line.append_number(static_cast<long long>(place.count));
    line.append(" more reports that task");
    append_place(line, place.where);
    line.append(" ");
    line.append(to_string(place.kind));
    line.append(" were suppressed");
    close_line(line);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE stderr_sink& default_sink() noexcept {
    return sink_on_stderr.get();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void stderr_sink::flush_again() {
    default_sink().flush_for_exit();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
