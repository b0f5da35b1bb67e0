// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <cstdio>
#include <future>
#include <vector>

int main() {
    std::vector<std::future<void>> futures; // a future that is dropped waits where it is dropped
    for (const char* name : {"a", "b", "c"}) {
        futures.push_back(std::async(std::launch::async, load, name)); // a thread each
    }
    for (std::future<void>& future : futures) {
        try {
            future.get(); // an error is seen here, or never
        } catch (const std::exception& error) {
            std::printf("failed: %s\n", error.what());
        }
    }
    show_what_is_loaded();
}
