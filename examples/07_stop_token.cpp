// SPDX-License-Identifier: MIT
// A task that takes a std::stop_token first can be asked to stop: by the source it was fired with,
// and by the shutdown of its pool. One that has not started by then never does.

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <latch>
#include <stop_token>
#include <thread>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::stop_source shop;
    std::latch open(1);

    fire_and_forget(
        {.name = "serve", .stop = shop.get_token()},
        [&open](std::stop_token closing, const char* what) {
            open.count_down();
            while (!closing.stop_requested()) {
                std::this_thread::sleep_for(1ms); // serve a customer
            }
            std::printf("no more %s today\n", what);
        },
        "coffee");

    open.wait();
    shop.request_stop();
    faf::drain(10s);

    fire_and_forget({.name = "serve", .stop = shop.get_token()}, [] { std::puts("never runs"); });
    faf::drain(10s);
    std::printf("%d task was cancelled\n", static_cast<int>(faf::snapshot().dropped));
}

// Prints:
//   no more coffee today
//   1 task was cancelled
