// SPDX-License-Identifier: MIT
// Python: threading.Thread(target=background_task, daemon=True).start()

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <latch>
#include <thread>

using namespace std::chrono_literals;

std::latch started(1);

void background_task() {
    std::puts("background task started");
    started.count_down();
    std::this_thread::sleep_for(5s);
    std::puts("background task done"); // in Python it is lost when the program ends first
}

int main() {
    faf::configure_default_pool({.exit_timeout = 20s});
    faf::fire_and_forget(faf::own_thread, background_task);
    started.wait();
    std::puts("the main program goes on");
}

// Prints:
//   background task started
//   the main program goes on
//   background task done
