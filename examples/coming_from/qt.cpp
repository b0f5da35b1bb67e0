// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <QThreadPool>

#include <cstdio>

int main() {
    QThreadPool pool;
    pool.setMaxThreadCount(2);
    for (const char* name : {"a", "b", "c"}) {
        pool.start([name] {
            try { // what leaves a runnable ends the program
                load(name);
            } catch (const std::exception& error) {
                std::printf("failed: %s\n", error.what());
            }
        });
    }
    pool.waitForDone();
    show_what_is_loaded();
}
