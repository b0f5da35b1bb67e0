// SPDX-License-Identifier: MIT
// expect: {.fixed = 4}
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    const faf::thread_pool pool({.fixed = 4});
}
