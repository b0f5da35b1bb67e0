// SPDX-License-Identifier: MIT
#pragma once

// Whether the system tells that a thread is at a lock. An emulator of another processor may not:
// qemu-user shows the numbers that system calls have where it runs itself.

#include "eventually.hpp"

#include <fire_and_forget/detail/platform/platform.hpp>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

namespace faf_test {

/// By a thread that waits in another call.
inline bool tells_of_locks() {
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    std::atomic<long> number{0};
    std::thread reader([&] {
        number = faf::detail::thread_number();
        char byte = 0;
        while (read(ends[0], &byte, 1) < 0) {
        }
    });
    const bool sleeps =
        eventually([&] { return number != 0 && faf::detail::shown_state(number) == 'S'; });
    long call = -1;
    std::ifstream("/proc/self/task/" + std::to_string(number) + "/syscall") >> call;
    close(ends[1]);
    reader.join();
    close(ends[0]);
    return sleeps && call == SYS_read;
}

} // namespace faf_test
