// SPDX-License-Identifier: MIT
// expect: write it as (executor, {.name = "x"}, fn, args...)
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget({.priority = 1}, [] {});
}
