// SPDX-License-Identifier: MIT
// The end of the program waits for tasks, but by then main's variables are gone. Where tasks refer
// to them, drain first.

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    std::atomic<int> sum = 0;

    for (int i = 1; i <= 100; ++i) {
        fire_and_forget([&sum, i] { sum += i; });
    }

    if (!faf::drain(10s)) { // true: nothing is queued or running any more
        faf::shutdown(0s);  // give up: what has not started never will, and is reported
        std::puts("some tasks did not end in time");
        return 1;
    }
    std::printf("the sum is %d\n", sum.load());
}

// Prints:
//   the sum is 5050
