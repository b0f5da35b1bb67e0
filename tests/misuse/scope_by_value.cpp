// SPDX-License-Identifier: MIT
// expect: refer to it, or by faf::executor_ref(it)
#include <fire_and_forget/task_scope.hpp>

void load_into(faf::task_scope tasks);

int main() {
    faf::task_scope tasks;
    load_into(tasks);
}
