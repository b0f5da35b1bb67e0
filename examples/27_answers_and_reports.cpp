// SPDX-License-Identifier: MIT
// What a call answers, and what a sink is told: every reason why a task is refused, and every kind
// of report with its fields.

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// What a caller can do about a refusal, which has been reported already.
const char* advice(faf::refusal why) {
    switch (why) {
    case faf::refusal::none:
        return "nothing: it was accepted";
    case faf::refusal::queue_full: // max_pending with overflow::refuse, or full_wait has passed
    case faf::refusal::out_of_memory:
    case faf::refusal::no_thread:
        return "try again later, or do without";
    case faf::refusal::shutting_down:
    case faf::refusal::forked_child:
    case faf::refusal::in_signal_handler:
        return "it is too late, or the wrong place";
    case faf::refusal::empty_callable:
    case faf::refusal::copy_threw:
    case faf::refusal::executor_failed:
    case faf::refusal::invalid_options:
        return "mend the program";
    }
    return "";
}

/// Whether somebody should be woken up at night.
bool is_urgent(faf::failure kind) {
    switch (kind) {
    case faf::failure::exception:
    case faf::failure::error_result:
    case faf::failure::worker_lost: // a task has ended its thread
    case faf::failure::hook_failed:
    case faf::failure::sink_failed:
        return true;
    case faf::failure::starvation: // tasks wait, and no thread can be had for them
    case faf::failure::refused:
    case faf::failure::displaced: // from a full queue, by a newer one
    case faf::failure::expired:
    case faf::failure::cancelled:
    case faf::failure::abandoned: // at the end of the pool or of the program
        return false;
    }
    return true;
}

int main() {
    // The texts of a report are good until the sink returns; the exception may be kept.
    const auto note = [](const faf::error_report& report) {
        std::printf("%s%.*s %s: %.*s \"%.*s\"\n", is_urgent(report.kind) ? "! " : "",
                    static_cast<int>(report.task.size()), report.task.data(),
                    faf::to_string(report.kind).c_str(), static_cast<int>(report.type.size()),
                    report.type.data(), static_cast<int>(report.what.size()), report.what.data());
        std::printf("  fired at %s:%u in %s, waited %d us, ran %d us\n", report.where.file_name(),
                    static_cast<unsigned>(report.where.line()), report.where.function_name(),
                    static_cast<int>(report.waited / 1us), static_cast<int>(report.ran / 1us));
        std::printf("  thrown: %s; speaks for %d more\n", report.exception ? "yes" : "no",
                    static_cast<int>(report.suppressed));
    };
    // Of cancelled tasks only those sinks hear that ask for it; faf::hears::errors is the default.
    const faf::error_sink sink(note, faf::hears::cancelled_too);
    std::printf("hears of cancelled tasks: %s\n", sink.hears_cancelled() ? "yes" : "no");
    faf::set_error_sink(sink);

    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, {.name = "save"}, [] { throw std::runtime_error("disk full"); });
    pool.drain();
    fire_and_forget(pool, {.name = "connect"},
                    [] { return std::make_error_code(std::errc::connection_refused); });
    pool.drain();

    const faf::submission answer =
        fire_and_forget(pool, {.name = "forgotten"}, std::function<void()>());
    std::printf("accepted: %s; %s: %s\n", answer ? "yes" : "no",
                faf::to_string(answer.why()).c_str(), advice(answer.why()));

    // Who looks at the answer may do without the report; refusals::reported is the default.
    const faf::options quiet{.name = "quiet", .refusals = faf::refusals::quiet};
    if (!fire_and_forget(pool, quiet, std::function<void()>())) {
        std::puts("refused without a report");
    }

    const faf::stats counted = pool.snapshot();
    std::printf("accepted %d = succeeded %d + failed %d + dropped %d; refused %d\n",
                static_cast<int>(counted.accepted), static_cast<int>(counted.succeeded),
                static_cast<int>(counted.failed), static_cast<int>(counted.dropped),
                static_cast<int>(counted.refused));
    std::printf("of the dropped %d cancelled, %d expired; %d runs left out, %d resumptions\n",
                static_cast<int>(counted.cancelled), static_cast<int>(counted.expired),
                static_cast<int>(counted.skipped), static_cast<int>(counted.resumptions));
    const faf::stats all = faf::stats(counted) += faf::snapshot(); // with the default pool's
    std::printf("all in all %d\n", static_cast<int>(all.accepted));
}

// Prints:
//   hears of cancelled tasks: yes
//   ! save failed: std::runtime_error "disk full"
//     fired at ...27_answers_and_reports.cpp:... in ...main..., waited ... us, ran ... us
//     thrown: yes; speaks for 0 more
//   ! connect returned an error: std::error_code ...
//     fired at ...27_answers_and_reports.cpp:... in ...main..., waited ... us, ran ... us
//     thrown: no; speaks for 0 more
//   forgotten was refused:  "the callable is empty"
//     fired at ...27_answers_and_reports.cpp:... in ...main..., waited 0 us, ran 0 us
//     thrown: no; speaks for 0 more
//   accepted: no; the callable is empty: mend the program
//   refused without a report
//   accepted 2 = succeeded 0 + failed 2 + dropped 0; refused 2
//   of the dropped 0 cancelled, 0 expired; 0 runs left out, 0 resumptions
//   all in all 2
