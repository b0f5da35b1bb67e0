// SPDX-License-Identifier: MIT
// A delayed task waits without a thread. One that is no longer wanted by the time it could start is
// dropped: because it was asked to stop, or because it is too late.

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <latch>
#include <stop_token>
#include <thread>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::stop_source answered;
    std::latch reminded(1);
    fire_and_forget({.name = "remind", .after = 50ms, .stop = answered.get_token()}, [&] {
        std::puts("no answer for 50 ms");
        reminded.count_down();
    });
    fire_and_forget({.name = "give up", .after = 10s, .stop = answered.get_token()},
                    [] { std::puts("no answer for 10 s"); });
    reminded.wait();
    answered.request_stop(); // "give up" is dropped now, not in ten seconds

    faf::thread_pool clerk({.threads = 1});
    std::latch free(1);
    fire_and_forget(clerk, [&free] { free.wait(); });
    fire_and_forget(clerk, {.name = "quote", .expires = 20ms}, [] { std::puts("an old price"); });
    std::this_thread::sleep_for(100ms); // the clerk is busy, and the price gets old
    free.count_down();
    clerk.drain(10s);

    faf::drain(10s);
    std::printf("%d was cancelled\n", static_cast<int>(faf::snapshot().cancelled));
}

// Prints:
//   no answer for 50 ms
//   1 was cancelled
// On standard error:
//   [fire_and_forget] ... task "quote" (11_timer.cpp:31 in main) expired
