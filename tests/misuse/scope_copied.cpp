// SPDX-License-Identifier: MIT
// expect: faf::task_scope
#include <fire_and_forget/task_scope.hpp>

int main() {
    faf::task_scope scope;
    faf::task_scope copy(static_cast<const faf::task_scope&>(scope));
}
