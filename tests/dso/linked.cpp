// SPDX-License-Identifier: MIT
// A library that programs are linked with, and whose task calls exit() when main has returned.

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

std::atomic<bool> main_has_returned{false};

} // namespace

void exit_in_a_task_meanwhile() {
    ::alarm(8); // an end that waits for the thread that has called exit() takes twice five seconds
    for (int i = 0; i < 100; ++i) { // more than glibc keeps in one block
        std::atexit([] { std::this_thread::sleep_for(1ms); });
    }
    faf::fire_and_forget([] {
        main_has_returned.wait(false);
        std::this_thread::sleep_for(50ms); // now main waits for the tasks
        std::exit(7);
    });
    faf::fire_and_forget([] { std::this_thread::sleep_for(200ms); });
    std::atexit([] {
        main_has_returned = true;
        main_has_returned.notify_all();
    });
}
