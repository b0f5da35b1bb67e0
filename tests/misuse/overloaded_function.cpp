// SPDX-License-Identifier: MIT
// expect: write it as (executor, {.name = "x"}, fn, args...)
#include <fire_and_forget/fire_and_forget.hpp>

void work(int) {}
void work(double) {}

int main() {
    faf::fire_and_forget(work, 1);
}
