// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

faf::task<> load_later(std::string name) {
    co_await faf::sleep_for(10ms); // holds no thread
    load(name);
}

int main() {
    faf::set_error_sink([](const faf::error_report& report) {
        std::printf("failed: %s\n", std::string(report.what).c_str());
    });
    for (const char* name : {"a", "b", "c"}) {
        faf::fire_and_forget(load_later, name);
    }
    faf::drain();
    show_what_is_loaded();
}
