// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>
#include <string>

int main() {
    faf::set_error_sink([](const faf::error_report& report) {
        std::printf("failed: %s\n", std::string(report.what).c_str());
    });
    for (const char* name : {"a", "b", "c"}) {
        faf::fire_and_forget(faf::own_thread, load, name); // a thread each; none is lost at exit
    }
    faf::drain();
    show_what_is_loaded();
}
