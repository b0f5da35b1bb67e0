// SPDX-License-Identifier: MIT
#pragma once

// The sink of last resort: one line on standard error, and not too many from one place.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/time.hpp"
#include "bounded_text.hpp"
#include "describe.hpp"
#include "rate_limiter.hpp"

#include <cstddef>
#include <mutex>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using report_line = bounded_text<2 * text_limit>;

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
void append_place(text_writer& line, const call_site& where);

/// Appends the task's name and place.
void append_task(text_writer& line, std::string_view name, const call_site& where);

/// Appends the whole report: task "refresh" (feed.cpp:42 in on_tick) failed: type: text
void append_report(report_line& line, const error_report& report);

/// Appends the date and time of day in UTC, as in 2026-01-31T12:00:00.123Z.
void append_time(report_line& line, const wall_time& now);

/// Writes reports to standard error, each as one line in one write. Needs no memory. A cancelled
/// task is what somebody asked for and gets no line.
class stderr_sink {
public:
    void write(const error_report& report);

    /// The last flush of an orderly end; what comes later, from static destructors, has another
    /// one.
    void flush_for_exit();

    /// Says how many reports were held back and not accounted for by a later line.
    void flush();

private:
    static void flush_again();

    static void open_line(report_line& line);

    static void close_line(report_line& line);

    static void write_unseen(const rate_limiter::unseen& place);

    std::mutex mutex_;
    rate_limiter limiter_;
    bool is_exiting_ = false;
    bool will_flush_ = false;
};

inline constinit one_per_process<stderr_sink> sink_on_stderr;
stderr_sink& default_sink() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
