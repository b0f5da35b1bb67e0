// SPDX-License-Identifier: MIT
// A pool's observer hears of each task: here one that counts how long those of each place wait and
// run, and for another pool one that records a trace. usage: 23_trace [trace.json], which is to be
// opened in ui.perfetto.dev.

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/trace.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main(int argc, char** argv) {
    faf::latency_histograms latency; // both must outlive the pool that they observe
    faf::trace_recorder trace;
    {
        faf::thread_pool measured({.threads = 2, .observer = &latency});
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(measured, {.name = "parse"}, [] { std::this_thread::sleep_for(50us); });
        }
        faf::thread_pool traced({.threads = 2, .observer = &trace});
        fire_and_forget(traced, {.name = "request"}, [&traced] {
            for (int i = 0; i < 3; ++i) {
                fire_and_forget(traced, {.name = "query"},
                                [] { std::this_thread::sleep_for(1ms); });
            }
        });
        measured.drain();
        traced.drain();
    }
    std::cout << latency.text();
    std::printf("for Prometheus: %s\n",
                latency.prometheus().starts_with("# HELP fire_and_forget_") ? "yes" : "no");
    std::printf("runs for which the trace had no room: %d\n", static_cast<int>(trace.left_out()));
    if (argc > 1) {
        std::ofstream(argv[1]) << trace.json();
    }
}

// Prints:
//       runs  delay p50       p99       max    run p50       p99       max  task, in microseconds
//        100 ...  parse (23_trace.cpp:25)
//   for Prometheus: yes
//   runs for which the trace had no room: 0
