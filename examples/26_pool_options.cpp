// SPDX-License-Identifier: MIT
// All that can be said about a pool: how many threads and tasks, in which order, who wakes whom,
// how long is too long, and what its threads are like.

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::atomic<int> started = 0;
    std::atomic<int> stopped = 0;
    faf::error_sink on_error = [](const faf::error_report& report) {
        std::printf("%s\n", faf::to_string(report).c_str());
    };
    {
        faf::thread_pool pool({
            .threads = 2,
            .fixed = true, // never a third one, or .max_threads = 8, .grow_after = 2ms
            .max_pending = 100,
            .when_full = faf::overflow::wait, // or refuse, drop_oldest, run_in_caller
            .full_wait = 10s,
            .nested_tasks = faf::nested::newest_first, // a tree of tasks depth first; or in_turn
            .wake_up = faf::wake::by_caller,           // or by_worker, or as a rule adaptive
            .nap = 100us,                              // of a worker that looks for tasks
            .starvation_after = 2s,                    // then a report says what keeps the threads
            .exit_timeout = faf::forever,              // its end waits until all has run
            .name = std::string("feed"), // in the system's list of threads: feed/1, feed/2
            .stack_size = 256 * 1024,
            .on_thread_start = [&](const faf::worker_info&) { ++started; }, // affinity, and so on
            .on_thread_stop = [&](const faf::worker_info&) { ++stopped; },
            .on_error = on_error,
        });

        fire_and_forget(pool, {.priority = faf::priority::high}, [] {
            const std::optional<faf::worker_info> me = faf::this_worker();
            std::printf("runs on a worker of %s: %s\n", std::string(me->pool).c_str(),
                        me->index < 2 ? "yes" : "no");
        });
        pool.drain();

        pool.pause(); // what is fired now waits
        fire_and_forget(pool, [] { std::puts("after the pause"); });
        std::printf("paused: %s, waiting: %zu\n", pool.is_paused() ? "yes" : "no",
                    pool.snapshot().pending);
        pool.resume();
    }
    std::printf("each thread that has started has stopped: %s\n",
                started == stopped ? "yes" : "no");
}

// Prints:
//   runs on a worker of feed: yes
//   paused: yes, waiting: 1
//   after the pause
//   each thread that has started has stopped: yes
