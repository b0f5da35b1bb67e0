// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <cstdio>

int main() {
    asio::thread_pool pool(2);
    for (const char* name : {"a", "b", "c"}) {
        asio::post(pool, [name] {
            try { // what leaves a handler ends the program
                load(name);
            } catch (const std::exception& error) {
                std::printf("failed: %s\n", error.what());
            }
        });
    }
    pool.join(); // for good
    show_what_is_loaded();
}
