// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>
#include <string>

int main() {
    faf::thread_pool pool({
        .threads = 2,
        .on_error =
            [](const faf::error_report& report) {
                std::printf("failed: %s\n", std::string(report.what).c_str());
            },
    });
    for (const char* name : {"a", "b", "c"}) {
        faf::fire_and_forget(pool, load, name);
    }
    pool.drain();
    show_what_is_loaded();
}
