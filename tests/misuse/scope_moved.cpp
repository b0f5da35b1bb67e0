// SPDX-License-Identifier: MIT
// expect: its tasks know where it is: keep it in a unique_ptr
#include <fire_and_forget/task_scope.hpp>

faf::task_scope make_scope() {
    faf::task_scope tasks;
    return tasks;
}
