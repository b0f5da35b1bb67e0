// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <BS_thread_pool.hpp>

#include <cstdio>

int main() {
    BS::thread_pool pool(2);
    for (const char* name : {"a", "b", "c"}) {
        pool.detach_task([name] {
            try { // what leaves a detached task is swallowed
                load(name);
            } catch (const std::exception& error) {
                std::printf("failed: %s\n", error.what());
            }
        });
    }
    pool.wait();
    show_what_is_loaded();
}
