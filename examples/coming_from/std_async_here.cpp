// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>
#include <string>

int main() {
    faf::set_error_sink([](const faf::error_report& report) { // each error, when it comes up
        std::printf("failed: %s\n", std::string(report.what).c_str());
    });
    for (const char* name : {"a", "b", "c"}) {
        faf::fire_and_forget(load, name); // may be dropped: nobody waits
    }
    faf::drain();
    show_what_is_loaded();
}
