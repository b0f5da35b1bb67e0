// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the callable takes an argument by reference, but a task gets its own copies: pass std::ref(x) to share x, which must outlive the task.
#include <fire_and_forget/fire_and_forget.hpp>

void count(int& runs) {
    ++runs;
}

int main() {
    int runs = 0;
    faf::fire_and_forget({.name = "count"}, count, runs);
}
