// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <oneapi/tbb/task_group.h>

#include <cstdio>

int main() {
    tbb::task_group group;
    for (const char* name : {"a", "b", "c"}) {
        group.run([name] {
            try { // the first that leaves a task cancels the others, and is thrown by wait()
                load(name);
            } catch (const std::exception& error) {
                std::printf("failed: %s\n", error.what());
            }
        });
    }
    group.wait();
    show_what_is_loaded();
}
