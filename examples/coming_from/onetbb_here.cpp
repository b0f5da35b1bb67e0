// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <cstdio>
#include <string>

int main() {
    faf::set_error_sink([](const faf::error_report& report) {
        std::printf("failed: %s\n", std::string(report.what).c_str());
    });
    faf::task_scope group(faf::default_pool());
    for (const char* name : {"a", "b", "c"}) {
        faf::fire_and_forget(group, load, name); // the others go on
    }
    group.drain(); // in a task it runs others meanwhile, as wait() does
    show_what_is_loaded();
}
