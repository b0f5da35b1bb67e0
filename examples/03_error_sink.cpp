// SPDX-License-Identifier: MIT
// What a task throws reaches the error sink: by default a line on standard error, or a function of
// your own. It reaches neither the caller nor the other tasks.

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using faf::fire_and_forget;
using namespace std::chrono_literals;

void save() {
    throw std::runtime_error("disk full");
}

int main() {
    fire_and_forget({.name = "save"}, save); // nobody has set a sink
    faf::drain(10s);

    faf::set_error_sink([](const faf::error_report& report) {
        std::printf("our log: %s\n", faf::to_string(report).c_str());
    });
    fire_and_forget({.name = "save again"}, save);
    faf::drain(10s);

    std::puts("main goes on");
}

// Prints:
//   our log: task "save again" (03_error_sink.cpp:25 in main) failed: std::runtime_error: disk full
//   main goes on
// On standard error:
//   [fire_and_forget] ... task "save" (03_error_sink.cpp:19 in main) failed: std::runtime_error: disk full
