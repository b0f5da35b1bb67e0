// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a task_scope keeps no executor alive: give it one that has a name.
#include <fire_and_forget/task_scope.hpp>

int main() {
    faf::task_scope scope(faf::inline_executor{});
}
