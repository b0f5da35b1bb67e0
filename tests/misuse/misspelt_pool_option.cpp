// SPDX-License-Identifier: MIT
// expect: write it as ({.threads = 4, .name = "x"}), in this order
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    const faf::thread_pool pool({.thread_count = 4});
}
