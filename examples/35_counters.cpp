// SPDX-License-Identifier: MIT
// Counters of pools and scopes as text: a line for a log, and a page for Prometheus, which a server
// answers when it is asked for /metrics.

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/stats_text.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    faf::thread_pool writers({.threads = 1, .name = "writer"});
    faf::task_scope session(writers);
    for (int i = 1; i <= 5; ++i) {
        fire_and_forget(session, {.name = "save"}, [i] {
            if (i == 3) {
                throw std::runtime_error("disk full");
            }
        });
    }
    writers.drain();
    fire_and_forget(session, {.name = "tidy up", .after = 1h}, [] {});

    std::puts(faf::to_string(session.snapshot()).c_str()); // the words are always the same

    faf::stats_text page; // made anew for each answer
    page.add("default", faf::snapshot());
    page.add("writers", writers.snapshot());
    page.add("session", session.snapshot()); // of one name there may be many: they are added up
    std::fputs(page.text().c_str(), stdout);

    const std::string answer = page.prometheus();
    const std::size_t failed = answer.find("# HELP fire_and_forget_tasks_failed_total");
    std::fputs(answer.substr(failed, answer.find("# HELP", failed + 1) - failed).c_str(), stdout);
}

// Prints:
//   pending 1, running 0; cancelled 0, refused 0
//   default: accepted 0: succeeded 0, failed 0, dropped 0 (cancelled 0, expired 0), pending 0, running 0; refused 0, skipped 0, resumptions 0, threads 0
//   writers: accepted 6: succeeded 4, failed 1, dropped 0 (cancelled 0, expired 0), pending 1, running 0; refused 0, skipped 0, resumptions 0, threads 1
//   session: pending 1, running 0; cancelled 0, refused 0
//   # HELP fire_and_forget_tasks_failed_total Tasks that threw, returned an error, or ended their thread.
//   # TYPE fire_and_forget_tasks_failed_total counter
//   fire_and_forget_tasks_failed_total{pool="default"} 0
//   fire_and_forget_tasks_failed_total{pool="writers"} 1
// On standard error:
//   [fire_and_forget] ... task "save" (35_counters.cpp:21 in main) failed: std::runtime_error: disk full
