// SPDX-License-Identifier: MIT
// Fire a task and forget it. The end of the program waits for it.

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>

using faf::fire_and_forget;

int main() {
    fire_and_forget([] { std::puts("Hello from the background!"); });
}

// Prints:
//   Hello from the background!
