// SPDX-License-Identifier: MIT
// expect: faf::thread_pool pool({.threads = 4})
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    const faf::thread_pool pool(4);
}
