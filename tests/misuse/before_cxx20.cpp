// SPDX-License-Identifier: MIT
// expect: fire_and_forget needs C++20: compile with -std=c++20.
// flags: -std=c++17
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget([] {});
}
