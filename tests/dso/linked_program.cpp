// SPDX-License-Identifier: MIT
// A program that has the library in another one that it is linked with: linked.cpp.

void exit_in_a_task_meanwhile();

int main() {
    exit_in_a_task_meanwhile();
}
