// SPDX-License-Identifier: MIT
// expect: declaration order
// flags: -pedantic-errors
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget({.after = std::chrono::seconds(1), .name = "task"}, [] {});
}
