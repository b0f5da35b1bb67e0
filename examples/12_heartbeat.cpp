// SPDX-License-Identifier: MIT
// A task that repeats keeps its beat: a start that is late does not put off the next one. It ends
// when its token is asked to stop, when fn says so, or with the program.

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <latch>
#include <stdexcept>
#include <stop_token>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::stop_source connection;
    std::atomic<int> beats = 0;
    fire_and_forget({.name = "heartbeat", .every = 10ms, .stop = connection.get_token()}, [&] {
        if (++beats == 2) {
            throw std::runtime_error("a beat that fails is reported, and the next one comes");
        }
        beats.notify_all();
    });

    std::latch counted_down(3);
    fire_and_forget({.every = 1ms}, [&counted_down, left = 3]() mutable {
        std::printf("%d ...\n", left);
        counted_down.count_down();
        return --left > 0 ? faf::keep_repeating : faf::stop_repeating;
    });

    counted_down.wait();
    while (beats < 5) {
        beats.wait(beats);
    }
    connection.request_stop();
    faf::drain(10s); // a run that has begun; what repeats is not waited for
    std::puts("disconnected");
}

// Prints:
//   3 ...
//   2 ...
//   1 ...
//   disconnected
// On standard error:
//   [fire_and_forget] ... task "heartbeat" (12_heartbeat.cpp:20 in main) failed: std::runtime_error: a beat that fails is reported, and the next one comes
