// SPDX-License-Identifier: MIT
#pragma once

// The sink of last resort: one line on standard error, and not too many from one place.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/time.hpp"
#include "bounded_text.hpp"
#include "describe.hpp"
#include "rate_limiter.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using report_line = bounded_text<2 * text_limit>;

/// "feed.cpp" of "/home/me/feed.cpp".
constexpr std::string_view base_name(std::string_view path) noexcept {
    const std::size_t slash = path.find_last_of("/\\");
    return slash == path.npos ? path : path.substr(slash + 1);
}

constexpr bool is_word(char c) noexcept {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// "ns::feed::on_tick" of "void ns::feed::on_tick(int) [with T = int]". What it does not understand
/// it leaves as it is.
constexpr std::string_view plain_function(std::string_view signature) noexcept {
    constexpr std::string_view unnamed = "(anonymous "; // clang's namespaces, classes, lambdas
    std::size_t begin = 0;
    int depth = 0;
    for (std::size_t i = 0; i < signature.size(); ++i) {
        const std::string_view rest = signature.substr(i);
        if (rest.substr(0, 8) == "operator" && (i == 0 || !is_word(signature[i - 1]))) {
            return signature;
        }
        if (rest.substr(0, unnamed.size()) == unnamed) {
            i += rest.substr(0, rest.find(')')).size();
            continue;
        }
        depth += rest[0] == '<' ? 1 : rest[0] == '>' ? -1 : 0;
        if (depth == 0 && rest[0] == ' ') {
            begin = i + 1;
        }
        if (depth == 0 && rest[0] == '(') {
            const std::string_view name = signature.substr(begin, i - begin);
            const bool is_name = !name.empty() && name.back() != ':' && name != "decltype";
            return is_name ? name : signature;
        }
    }
    return signature;
}

/// Appends "(feed.cpp:42 in on_tick)".
inline void append_place(text_writer& line, const call_site& where) {
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

/// Appends the task's name and place.
inline void append_task(text_writer& line, std::string_view name, const call_site& where) {
    line.append("task");
    if (!name.empty()) {
        line.append(" ");
        line.append_quoted(name, 128);
    }
    append_place(line, where);
}

/// Appends the whole report: task "refresh" (feed.cpp:42 in on_tick) failed: type: text
inline void append_report(report_line& line, const error_report& report) {
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

/// Appends the date and time of day in UTC, as in 2026-01-31T12:00:00.123Z.
inline void append_time(report_line& line, const wall_time& now) {
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

/// Writes reports to standard error, each as one line in one write. Needs no memory. A cancelled
/// task is what somebody asked for and gets no line.
class stderr_sink {
public:
    void write(const error_report& report) {
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

    /// The last flush of an orderly end; what comes later, from static destructors, has another
    /// one.
    void flush_for_exit() {
        {
            const library_lock lock(mutex_);
            is_exiting_ = true;
            will_flush_ = false;
        }
        flush();
    }

    /// Says how many reports were held back and not accounted for by a later line.
    void flush() {
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

private:
    static void flush_again();

    static void open_line(report_line& line) {
        line.append("[fire_and_forget] ");
        append_time(line, wall_time::now());
        line.append(" ");
    }

    static void close_line(report_line& line) {
        bounded_text<2 * text_limit + 1> whole;
        whole.append(line.view());
        whole.append("\n");
        write_stderr(whole.view().data(), whole.view().size());
    }

    static void write_unseen(const rate_limiter::unseen& place) {
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

    std::mutex mutex_;
    rate_limiter limiter_;
    bool is_exiting_ = false;
    bool will_flush_ = false;
};

inline stderr_sink& default_sink() noexcept {
    static constinit one_per_process<stderr_sink> sink;
    return sink.get();
}

inline void stderr_sink::flush_again() {
    default_sink().flush_for_exit();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
