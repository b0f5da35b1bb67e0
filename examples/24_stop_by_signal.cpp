// SPDX-License-Identifier: MIT
// A service that ends when it is told to, by SIGTERM or Ctrl-C: it asks its tasks to stop, waits
// for them, and its exit code says whether all were done.
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <pthread.h>

using namespace std::chrono_literals;
using faf::fire_and_forget;

int main() {
    // Blocked before the first thread is there, so that no thread is interrupted by them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    faf::task_scope service;
    int beats = 0;
    fire_and_forget(service, {.every = 1ms, .final_run = true}, [&beats] { ++beats; });
    fire_and_forget(service, {.name = "report", .after = 1h}, [] { std::puts("an hour later"); });
    fire_and_forget(service, [] {
        std::puts("ready");
        std::fflush(stdout);
    });

    int received = 0;
    sigwait(&signals, &received);                    // all that main does
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr); // who asks once more does not want to wait
    std::printf("%s: stopping\n", received == SIGINT ? "Ctrl-C" : "SIGTERM");

    fire_and_forget(service, [] { std::puts("what came before that still runs"); });
    service.request_stop();
    const bool is_done = service.drain(5s);
    std::puts(is_done && beats > 0 ? "all done" : "some left");
    return is_done ? 0 : 1;
}

// Prints, when it is sent a SIGTERM after the first line:
//   ready
//   SIGTERM: stopping
//   what came before that still runs
//   all done
