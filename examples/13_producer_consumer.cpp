// SPDX-License-Identifier: MIT
// Producer and consumer with back-pressure: a bounded pool makes a producer that is too fast wait,
// or drops what is old, instead of filling the memory.

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <latch>
#include <thread>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::atomic<int> written = 0;
    faf::thread_pool writer(
        {.threads = 1, .max_pending = 8, .when_full = faf::overflow::wait, .full_wait = 10s});
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(writer, [&written] {
            std::this_thread::sleep_for(100us);
            ++written;
        });
    }
    writer.drain(10s);
    std::printf("%d written, %d refused\n", written.load(),
                static_cast<int>(writer.snapshot().refused));

    // Of prices that nobody has looked at yet, the latest are worth the most.
    std::atomic<int> displaced = 0;
    faf::thread_pool screen({.threads = 1,
                             .max_pending = 2,
                             .when_full = faf::overflow::drop_oldest,
                             .on_error = [&](const faf::error_report&) { ++displaced; }});
    std::latch is_busy(1);
    std::latch is_free(1);
    fire_and_forget(screen, [&] {
        is_busy.count_down();
        is_free.wait();
    });
    is_busy.wait();
    for (const int price : {101, 102, 103, 104}) {
        fire_and_forget(screen, [price] { std::printf("price %d\n", price); });
    }
    is_free.count_down();
    screen.drain(10s);
    std::printf("%d displaced\n", displaced.load());
}

// Prints:
//   100 written, 0 refused
//   price 103
//   price 104
//   2 displaced
