// SPDX-License-Identifier: MIT
// expect: a task_scope is not copied: refer to it
#include <fire_and_forget/task_scope.hpp>

void load_into(faf::task_scope tasks);

int main() {
    faf::task_scope tasks;
    load_into(tasks);
}
